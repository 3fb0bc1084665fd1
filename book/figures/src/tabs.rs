//! Several runs in one place, one tab each. Without JavaScript they stand below each other, each under its label.

use crate::svg::escape;

/// `runs` are labels and what stands under them; `kind` is a class that the script looks for.
pub(crate) fn tabs(kind: &str, id: &str, runs: &[(String, String)]) -> String {
    let mut html = format!("<div class=\"sl-tabs {kind}\" id=\"{id}\">\n");
    for (n, (label, inner)) in runs.iter().enumerate() {
        let label = escape(label);
        html += &format!(
            "<section class=\"sl-tab\" id=\"{id}-{n}\" aria-labelledby=\"{id}-{n}-label\">\n\
             <p class=\"sl-tab-label\" id=\"{id}-{n}-label\">{label}</p>\n{inner}</section>\n"
        );
    }
    html + "</div>\n"
}

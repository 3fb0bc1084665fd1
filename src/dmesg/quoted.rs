//! Lines in the form that a mail or a database keeps them in: quoted-printable (RFC 2045), and tabs written as `\x09`.

/// An encoder's lines are no longer.
const MAX_LINE: usize = 76;

/// Lines that are joined are no longer: no line of the kernel's is.
const MAX_JOINED: usize = 4_096;

/// Undoes quoted-printable, once a line shows that a log is written so.
#[derive(Default)]
pub(super) struct Unquote {
    is_quoted: bool,
    /// The beginning of a line that goes on in the next one, and its number.
    half: Option<(usize, String)>,
}

impl Unquote {
    /// Whether nothing is to be done to a line.
    pub(super) fn is_plain(&mut self, line: &str) -> bool {
        // Without a jump out of the loop the compiler looks at many bytes at once.
        let is_escape = |byte| u8::from(byte == b'=') | u8::from(byte == b'\\');
        let has_any = line.bytes().fold(0, |any, byte| any | is_escape(byte)) != 0;
        self.is_quoted |= has_any && line.contains("=3D");
        self.half.is_none() && !(has_any && (self.is_quoted || line.contains("\\x09")))
    }

    /// The line as it was written, and its number; `None` if it goes on in the next one.
    pub(super) fn line(&mut self, number: usize, line: &str) -> Option<(usize, String)> {
        let (number, mut joined) = self.half.take().unwrap_or((number, String::new()));
        let goes_on = self.is_quoted && line.len() <= MAX_LINE && joined.len() <= MAX_JOINED;
        if let Some(begins) = line.strip_suffix('=').filter(|_| goes_on) {
            joined.push_str(begins);
            self.half = Some((number, joined));
            return None;
        }
        joined.push_str(line);
        Some((number, self.undo(&joined)))
    }

    /// What is left when the log ends.
    pub(super) fn finish(&mut self) -> Option<(usize, String)> {
        let (number, half) = self.half.take()?;
        Some((number, self.undo(&half)))
    }

    fn undo(&self, line: &str) -> String {
        let line = line.replace("\\x09", "\t");
        match self.is_quoted {
            // A blank is written so at the end of a line only.
            true => line.strip_suffix("=20").unwrap_or(&line).replace("=3D", "="),
            false => line,
        }
    }
}

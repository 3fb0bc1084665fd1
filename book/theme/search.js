// mdBook's index knows whole words, and none of them Chinese. Its documents are all there, and few: search them as they
// are, for any piece of text.
'use strict';
(() => {
    if (!window.elasticlunr) return;
    let wanted = [];
    elasticlunr.Index.load = index => {
        const docs = Object.entries(index.documentStore.docs).map(([ref, doc]) => (
            { ref, doc, title: doc.title.toLowerCase(), all: `${doc.breadcrumbs} ${doc.body}`.toLowerCase() }
        ));
        return {
            search(query) {
                wanted = query.toLowerCase().split(/\s+/).filter(Boolean);
                if (!wanted.length) return [];
                const score = ({ title, all }) => wanted.reduce(
                    (sum, word) => sum + (title.includes(word) ? 100 : 0) + all.split(word).length - 1, 0);
                const teaser = ({ doc }) => {
                    const at = Math.max(0, doc.body.toLowerCase().indexOf(wanted[0]) - 40);
                    return (at ? '…' : '') + doc.body.slice(at, at + 160);
                };
                return docs.filter(({ all }) => wanted.every(word => all.includes(word)))
                    .map(found => ({ ref: found.ref, score: score(found), doc: { ...found.doc, body: teaser(found) } }))
                    .sort((a, b) => b.score - a.score);
            },
        };
    };
    // mdBook marks words that begin with what was typed; mark it wherever it stands.
    const mark = teaser => {
        const text = teaser.textContent, low = text.toLowerCase(), parts = [];
        let from = 0;
        for (;;) {
            const next = wanted.map(word => [low.indexOf(word, from), word.length]).filter(([at]) => at >= 0).sort((a, b) => a[0] - b[0])[0];
            if (!next) break;
            const found = document.createElement('em');
            found.textContent = text.slice(next[0], next[0] + next[1]);
            parts.push(text.slice(from, next[0]), found);
            from = next[0] + next[1];
        }
        teaser.replaceChildren(...parts, text.slice(from));
    };
    const results = document.getElementById('mdbook-searchresults');
    if (results) {
        new MutationObserver(changes => {
            for (const { addedNodes } of changes) {
                for (const item of addedNodes) item.querySelectorAll?.('.teaser').forEach(mark);
            }
        }).observe(results, { childList: true });
    }
})();

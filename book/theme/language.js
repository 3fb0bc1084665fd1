// The switch to the other edition, and mdBook's own words in Chinese.
'use strict';
(() => {
    const other = document.querySelector('main .sl-other');
    const buttons = document.querySelector('.right-buttons');
    if (other && buttons) buttons.prepend(other);
    // What a page scrolls sideways must be reached by the keyboard.
    for (const wide of document.querySelectorAll('main pre > code, main .table-wrapper')) {
        const box = wide.matches('code') ? wide.parentElement : wide;
        if (wide.scrollWidth > wide.clientWidth) box.tabIndex = 0;
    }
    if (!document.documentElement.lang.startsWith('zh')) return;

    const words = {
        'Toggle Table of Contents': '目录', 'Table of contents': '目录', 'Change theme': '更换配色', 'Themes': '配色',
        'Search (`/`)': '搜索（`/`）', 'Toggle Searchbar': '搜索', 'Print this book': '打印本书', 'Suggest an edit': '修改建议',
        'Git repository': 'Git 仓库', 'Previous chapter': '上一章', 'Next chapter': '下一章', 'Page navigation': '翻页',
        'Copy to clipboard': '复制', 'Copied!': '已复制', 'Search this book ...': '在本书中搜索……', 'Auto': '跟随系统', 'Light': '浅色',
        'Rust': 'Rust', 'Coal': '炭黑', 'Navy': '深蓝', 'Ayu': 'Ayu', 'Keyboard shortcuts': '快捷键',
    };
    const translate = () => {
        for (const name of ['title', 'aria-label', 'placeholder']) {
            for (const element of document.querySelectorAll(`[${name}]`)) {
                const word = words[element.getAttribute(name)];
                if (word) element.setAttribute(name, word);
            }
        }
    };
    translate();
    addEventListener('load', translate); // the copy buttons come late
    for (const element of document.querySelectorAll('.theme, .mdbook-help-title')) {
        element.textContent = words[element.textContent.trim()] ?? element.textContent;
    }
    const help = ['按 ← 或 → 翻到上一章、下一章', '按 S 或 / 搜索', '按 ? 显示本说明', '按 Esc 关闭本说明'];
    document.querySelectorAll('#mdbook-help-popup p').forEach((line, n) => { line.textContent = help[n] ?? line.textContent; });
    const count = document.getElementById('mdbook-searchresults-header');
    if (count) {
        new MutationObserver(() => {
            const said = /^(No|\d+) search results? for '(.*)'[.:]$/s.exec(count.textContent);
            if (said) count.textContent = said[1] === 'No' ? `没有找到“${said[2]}”。` : `“${said[2]}”：${said[1]} 处`;
        }).observe(count, { childList: true });
    }
})();

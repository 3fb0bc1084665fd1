// Predictions: the reader answers first, the page after. What was said stays in this browser.
'use strict';
(() => {
    const zh = document.documentElement.lang.startsWith('zh');
    const word = (english, chinese) => zh ? chinese : english;
    const key = id => `softlockup-predict:${id}`;
    const kept = {
        get(id) { try { return localStorage.getItem(key(id)); } catch { return null; } },
        set(id, said) { try { localStorage.setItem(key(id), said); } catch { /* a private window keeps nothing */ } },
        forget(id) { try { localStorage.removeItem(key(id)); } catch { /* the same */ } },
    };
    const element = (tag, properties = {}, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children);
        return made;
    };
    const number = text => /^[-+]?\d+([.,]\d+)?\s*[a-z秒]*$/i.test(text.trim()) ? parseFloat(text.replace(',', '.')) : NaN;
    const same = (asked, one, other) => asked.kind === 'number'
        ? Math.abs(number(one) - number(other)) <= 1e-9
        : one === other;
    const right = (asked, said) => asked.kind === 'number'
        ? Math.abs(number(said) - number(asked.answer)) <= asked.within + 1e-9
        : said === asked.answer;
    const label = (asked, said) => asked.choices.find(([choice]) => choice === said)?.[1] ?? said;

    const verdict = (asked, said) => {
        const [you, answer] = [label(asked, said), label(asked, asked.answer)];
        if (right(asked, said)) return word(`You said ${you}. So says the machine.`, `你说 ${you}，机器也是这么说的。`);
        const reply = Object.entries(asked.wrong).find(([wrong]) => same(asked, wrong, said))?.[1] ?? '';
        return word(`You said ${you}. The machine says ${answer}. ${reply}`, `你说 ${you}，机器说 ${answer}。${reply}`);
    };

    for (const box of document.querySelectorAll('.sl-predict')) {
        const asked = JSON.parse(box.dataset.prediction);
        const details = box.querySelector('details');
        box.querySelector('.sl-choices')?.remove();
        const fields = element('span', { className: 'sl-fields' });
        if (asked.kind === 'choice') {
            for (const [choice, shown] of asked.choices) {
                const button = element('input', { type: 'radio', name: asked.id, value: choice });
                fields.append(element('label', {}, button, ' ', shown));
            }
        } else {
            const prompt = word('Your number', '你的数字');
            fields.append(element('input', { type: 'text', inputMode: 'decimal', autocomplete: 'off', ariaLabel: prompt, placeholder: prompt }));
        }
        const submit = element('button', { type: 'submit' });
        const says = element('p', { role: 'status' });
        const form = element('form', {}, fields, submit, says);
        const inputs = [...fields.querySelectorAll('input')];
        details.before(form);

        const ask = () => {
            submit.textContent = word('Lock it in', '就这么定');
            says.textContent = '';
            details.hidden = true;
            details.open = false;
            for (const input of inputs) {
                input.disabled = false;
                if (input.type === 'radio') input.checked = false; else input.value = '';
            }
        };
        const answer = said => {
            submit.textContent = word('Again', '再来一次');
            says.textContent = verdict(asked, said);
            form.dataset.right = right(asked, said);
            details.hidden = false;
            for (const input of inputs) {
                input.disabled = true;
                if (input.type === 'radio') input.checked = input.value === said; else input.value = said;
            }
        };
        form.addEventListener('submit', event => {
            event.preventDefault();
            if (inputs[0].disabled) {
                kept.forget(asked.id);
                ask();
                inputs[0].focus();
                return;
            }
            const said = asked.kind === 'choice' ? inputs.find(input => input.checked)?.value : inputs[0].value.trim();
            if (!said || (asked.kind === 'number' && Number.isNaN(number(said)))) {
                says.textContent = asked.kind === 'choice' ? word('Choose one first.', '请先选一个。') : word('Type a number, such as 22.', '请输入一个数字，例如 22。');
                return;
            }
            kept.set(asked.id, said);
            answer(said);
            details.open = true;
        });
        const before = kept.get(asked.id);
        if (before === null) ask(); else answer(before);
    }

    for (const table of document.querySelectorAll('.sl-predicted')) {
        const rows = [...table.querySelectorAll('[data-prediction]')].map(row => [row, JSON.parse(row.dataset.prediction)]);
        const fill = () => {
            for (const [row, asked] of rows) {
                const said = kept.get(asked.id);
                row.querySelector('.sl-said').textContent = said === null ? '–' : `${right(asked, said) ? '✓' : '✗'} ${label(asked, said)}`;
                row.querySelector('details').open = said !== null;
            }
        };
        const reset = element('button', { type: 'button', className: 'sl-button', textContent: word('Forget all of it', '全部清除') });
        reset.addEventListener('click', () => {
            if (!confirm(word('Forget all predictions in this browser?', '清除本浏览器里的所有预测？'))) return;
            rows.forEach(([, asked]) => kept.forget(asked.id));
            fill();
        });
        table.after(reset);
        fill();
    }
})();

// The replay of an incident, and tabs. Each figure is complete without this script: it adds a playhead and a veil over
// what has not happened yet. It loads nothing.
'use strict';
(() => {
    const make = (tag, props = {}, ...kids) => {
        const element = document.createElement(tag);
        for (const [name, value] of Object.entries(props)) {
            if (name in element && typeof value !== 'string') element[name] = value;
            else if (name === 'text') element.textContent = value;
            else element.setAttribute(name, value);
        }
        element.append(...kids);
        return element;
    };
    const fill = (text, value) => text.replace('{0}', value);

    // Tabs: one label after another becomes a tab; arrow keys move between them, and do not turn the page.
    for (const box of document.querySelectorAll('.sl-tabs')) {
        const panels = [...box.children].filter(child => child.classList.contains('sl-tab'));
        if (panels.length < 2) continue;
        const list = make('div', { role: 'tablist', class: 'sl-tablist' });
        const tabs = panels.map((panel, n) => {
            const label = panel.querySelector('.sl-tab-label');
            const tab = make('button', { type: 'button', role: 'tab', id: panel.id + '-tab', 'aria-controls': panel.id, text: label.textContent });
            label.hidden = true;
            panel.setAttribute('role', 'tabpanel');
            panel.setAttribute('aria-labelledby', tab.id);
            tab.addEventListener('click', () => choose(n));
            return tab;
        });
        const choose = chosen => {
            tabs.forEach((tab, n) => { tab.setAttribute('aria-selected', n === chosen); tab.tabIndex = n === chosen ? 0 : -1; });
            panels.forEach((panel, n) => {
                panel.hidden = n !== chosen;
                if (n !== chosen) panel.dispatchEvent(new Event('sl-leave'));
            });
        };
        list.addEventListener('keydown', event => {
            const now = tabs.indexOf(document.activeElement);
            const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: tabs.length - 1 }[event.key];
            if (to === undefined) return;
            event.preventDefault();
            event.stopPropagation();
            const next = (to + tabs.length) % tabs.length;
            choose(next);
            tabs[next].focus();
        });
        list.append(...tabs);
        box.prepend(list);
        choose(0);
    }

    for (const box of document.querySelectorAll('.sl-replay')) {
        const words = JSON.parse(box.querySelector('.sl-words').textContent);
        for (const panel of box.querySelectorAll('.sl-tab')) player(panel, JSON.parse(panel.querySelector('.sl-data').textContent), words);
    }

    function player(panel, data, words) {
        const unpack = runs => runs.flatMap(([at, every, n]) => Array.from({ length: n }, (_, k) => at + k * every));
        const cpus = data.cpus.map(cpu => ({ ...cpu, fed: unpack(cpu.fed), sampled: unpack(cpu.sampled) }));
        const name = cpu => fill(words.cpu, cpu.cpu);
        const within = now => ([from, to]) => from <= now && (to === null || now < to);
        const lastFed = (cpu, now) => cpu.fed.findLast(at => at <= now);
        const count = (cpu, now, fed) => fed === undefined ? null : Math.floor(now / data.unit) - Math.floor(fed / data.unit);

        // What there is to step to: what happens to each CPU; for one CPU alone, its samples and feeds as well.
        const happens = cpu => [
            ...cpu.oops.map(at => [at, words.oops]),
            ...cpu.off.flatMap(([from, to]) => [[from, words.offBegins], [to, words.offEnds]]),
            ...cpu.wait.flatMap(([from, to, on]) => [[from, fill(words.wait, on)], [to, words.waitEnds]]),
            ...cpu.lock.flatMap(([from, to]) => [[from, words.lock], [to, words.waitEnds]]),
            ...cpu.said.map(([at, text]) => [at, fill(words.said, text)]),
            [cpu.stopped, words.stopped],
        ].filter(([at]) => at !== null).map(([at, text]) => [at, name(cpu) + ': ' + text]);
        const looks = cpu => [
            ...cpu.fed.map(at => [at, name(cpu) + ': ' + words.feeds]),
            ...cpu.sampled.filter(at => !cpu.said.some(([said]) => said === at)).map(at => {
                const fed = cpu.fed.findLast(fed => fed < at);
                return [at, name(cpu) + ': ' + fill(words.looks, count(cpu, at, fed) ?? 0)];
            }),
        ];
        const stops = list => {
            const at = new Map();
            for (const [time, text] of list) if (time >= data.from && time <= data.to) at.set(time, [...(at.get(time) ?? []), text]);
            return [...at].sort((a, b) => a[0] - b[0]);
        };
        const all = stops(cpus.flatMap(happens));
        const own = cpus.map(cpu => stops([...happens(cpu), ...looks(cpu)]));

        let now = data.to, frame = null, timer = null, chosen = -1;
        const steps = () => chosen < 0 ? all : own[chosen];
        const calm = matchMedia('(prefers-reduced-motion: reduce)');

        const shape = (tag, props) => {
            const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
            for (const [name, value] of Object.entries(props)) element.setAttribute(name, value);
            return element;
        };
        // Icons are drawn: not every font has them.
        const icons = { play: 'M4 2v12l9-6z', pause: 'M3 2h4v12H3zM9 2h4v12H9z', back: 'M3 2h2v12H3zM13 2v12L6 8z', next: 'M11 2h2v12h-2zM3 2v12l7-6z' };
        const button = (icon, label) => {
            const path = shape('path', { d: icons[icon], fill: 'currentColor' });
            const picture = shape('svg', { viewBox: '0 0 16 16', width: 14, height: 14, 'aria-hidden': 'true' });
            picture.append(path);
            const element = make('button', { type: 'button' }, picture);
            element.show = (icon, label) => { path.setAttribute('d', icons[icon]); element.setAttribute('aria-label', label); element.title = label; };
            element.show(icon, label);
            return element;
        };
        const play = button('play', words.play), back = button('back', words.back), next = button('next', words.next);
        const range = make('input', { type: 'range', min: String(data.from), max: String(data.to), step: 'any', 'aria-label': words.time });
        const clock = make('span', { class: 'sl-clock', 'aria-hidden': 'true' });
        const whole = (data.to - data.from) / 1000;
        const speeds = [60, 30, 15, 6].map(seconds => Math.max(whole / seconds, 0.01)).map(rate => rate >= 10 ? Math.round(rate) : Number(rate.toPrecision(1)));
        const speed = make('select', { 'aria-label': words.speed }, ...[...new Set(speeds)].map(rate => make('option', { value: String(rate), text: rate + words.perSecond })));
        speed.selectedIndex = Math.min(1, speed.options.length - 1);
        const who = make('select', { 'aria-label': words.steps }, make('option', { value: '-1', text: words.all }), ...cpus.map((cpu, n) => make('option', { value: String(n), text: name(cpu) })));
        const moment = make('p', { class: 'sl-moment', role: 'status' });
        const log = make('pre', { class: 'sl-log', tabindex: '0', role: 'log', 'aria-live': 'off', 'aria-label': words.console });
        const body = make('tbody');
        const rows = cpus.map((cpu, n) => {
            const what = make('td'), number = make('td', { class: 'sl-number' }), why = make('td', { class: 'sl-why' });
            const meter = make('span', { class: 'sl-meter', 'aria-hidden': 'true' }, make('span'));
            const units = make('span');
            number.append(meter, units);
            const pick = make('button', { type: 'button', class: 'sl-pick', text: name(cpu), 'aria-pressed': 'false' });
            pick.addEventListener('click', () => { chosen = chosen === n ? -1 : n; who.value = String(chosen); draw(); });
            const row = make('tr', {}, make('th', { scope: 'row' }, pick), what, number, why);
            body.append(row);
            return { cpu, row, pick, what, meter, units, why };
        });
        const head = make('tr', {}, make('th', { scope: 'col' }), make('th', { scope: 'col', text: words.does }), make('th', { scope: 'col', text: words.units }), make('th', { scope: 'col', class: 'sl-why', text: words.why }));

        // The playhead, and the veil over the time to come, in both drawings.
        const figures = [...panel.querySelectorAll('svg[data-plot]')].map(figure => {
            const [x0, x1, t0, t1, top, bottom] = figure.dataset.plot.split(' ').map(Number);
            const veil = shape('rect', { class: 'sl-veil' }), line = shape('line', { class: 'sl-head' });
            veil.setAttribute('y', top - 8); veil.setAttribute('height', bottom - top + 8);
            line.setAttribute('y1', top - 8); line.setAttribute('y2', bottom);
            figure.append(veil, line);
            const scrub = event => {
                const frame = figure.getBoundingClientRect();
                const x = (event.clientX - frame.left) / frame.width * figure.viewBox.baseVal.width;
                go((t0 + (x - x0) / (x1 - x0) * (t1 - t0)) * 1000);
            };
            figure.addEventListener('pointerdown', event => {
                if (event.button !== 0) return;
                figure.setPointerCapture(event.pointerId);
                scrub(event);
            });
            figure.addEventListener('pointermove', event => { if (figure.hasPointerCapture(event.pointerId)) scrub(event); });
            return () => {
                const x = x0 + Math.min(1, Math.max(0, (now / 1000 - t0) / (t1 - t0))) * (x1 - x0);
                line.setAttribute('x1', x); line.setAttribute('x2', x);
                veil.setAttribute('x', x); veil.setAttribute('width', Math.max(0, x1 - x + 6));
                line.style.display = veil.style.display = now >= data.to ? 'none' : '';
            };
        });

        function draw() {
            figures.forEach(move => move());
            range.value = now;
            clock.textContent = (now / 1000).toFixed(3) + ' ' + words.s;
            range.setAttribute('aria-valuetext', clock.textContent);
            rows.forEach(({ cpu, row, pick, what, meter, units, why }, n) => {
                const off = cpu.off.find(within(now)), wait = cpu.wait.find(within(now)), lock = cpu.lock.find(within(now));
                const fed = lastFed(cpu, now), n_units = count(cpu, now, fed);
                const said = cpu.said.findLast(([at]) => at <= now && (fed === undefined || at > fed));
                const stopped = cpu.stopped !== null && cpu.stopped <= now;
                const held = wait ? fill(words.wait, wait[2]) : lock ? words.lock : '';
                what.textContent = stopped ? words.stopped : off ? [words.off, held].filter(Boolean).join('; ') : said ? fill(words.said, said[1]) : held || words.runs;
                row.className = stopped ? '' : off ? 'sl-is-off' : said ? 'sl-is-said' : held ? 'sl-is-held' : '';
                units.textContent = n_units === null ? '–' : String(n_units);
                meter.firstChild.style.width = Math.min(100, (n_units ?? 0) / (data.thresh + 4) * 100) + '%';
                meter.className = 'sl-meter' + (n_units > data.thresh ? ' sl-late' : '');
                const starved = n_units !== null && n_units > 5;
                why.textContent = stopped ? '' : off ? words.cannotLook : starved ? words.cannotFeed : words.fed;
                pick.setAttribute('aria-pressed', n === chosen);
            });
            const here = steps().find(([at]) => Math.abs(at - now) < 1e-6);
            moment.textContent = here ? here[1].join(' · ') : '\u00a0';
            const lines = data.console.filter(([at]) => at <= now);
            const latest = lines.at(-1)?.[0];
            log.replaceChildren(...lines.map(([at, text]) => make('span', { class: at === latest ? 'sl-line sl-last' : 'sl-line', text: text + '\n' })));
            if (data.folded && lines.length === data.console.length) log.append(fill(words.folded, data.folded));
            log.scrollTop = log.scrollHeight;
        }
        function stop() {
            cancelAnimationFrame(frame); clearInterval(timer);
            frame = timer = null;
            play.show('play', words.play);
        }
        function go(time) { stop(); now = Math.min(data.to, Math.max(data.from, time)); draw(); }
        const forward = () => steps().find(([at]) => at > now + 1e-6)?.[0] ?? data.to;
        const backward = () => steps().findLast(([at]) => at < now - 1e-6)?.[0] ?? data.from;
        function start() {
            if (now >= data.to) now = data.from;
            play.show('pause', words.pause);
            draw();
            if (calm.matches) { // from event to event, without motion
                timer = setInterval(() => { now = forward(); draw(); if (now >= data.to) stop(); }, 1000);
                return;
            }
            let last = null;
            const tick = time => {
                now += (time - (last ?? time)) * Number(speed.value);
                last = time;
                if (now >= data.to) { now = data.to; draw(); stop(); return; }
                draw();
                frame = requestAnimationFrame(tick);
            };
            frame = requestAnimationFrame(tick);
        }
        const toggle = () => frame || timer ? stop() : start();
        play.addEventListener('click', toggle);
        next.addEventListener('click', () => go(forward()));
        back.addEventListener('click', () => go(backward()));
        range.addEventListener('input', () => go(Number(range.value)));
        who.addEventListener('change', () => { chosen = Number(who.value); draw(); });
        panel.addEventListener('sl-leave', stop);

        const controls = make('div', { class: 'sl-controls' }, play, back, next, range, clock, who, speed);
        const state = make('table', { class: 'sl-state' }, make('thead', {}, head), body);
        const after = make('div', { class: 'sl-player' }, controls, moment, state, log);
        // mdBook turns the page at an arrow key. Here it is a step, and no key goes further.
        panel.addEventListener('keydown', event => {
            if (event.altKey || event.ctrlKey || event.metaKey) return;
            const arrow = event.key === 'ArrowRight' || event.key === 'ArrowLeft';
            if (arrow) event.stopPropagation();
            if (event.target.tagName === 'SELECT' || event.target === log && !arrow) return;
            const acts = { ArrowRight: () => go(forward()), ArrowLeft: () => go(backward()), Home: () => go(data.from), End: () => go(data.to) };
            if (event.key === ' ' && event.target === range) acts[' '] = toggle;
            if (!acts[event.key]) return;
            event.preventDefault();
            acts[event.key]();
        });
        panel.querySelector('.sl-drawing').after(after);
        draw();
    }
})();

"use strict";
// Reads the record in #data and draws it. All text goes into the page as text: nothing here makes HTML of a string.
(() => {
  const D = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const el = (tag, given = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined || value === null || value === false) continue;
      if (name === "on") for (const [event, run] of Object.entries(value)) made.addEventListener(event, run);
      else if (name === "text") made.textContent = value;
      else made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };
  const safeLink = (address, text) =>
    /^https:\/\//.test(address || "") ? el("a", { href: address, rel: "noreferrer noopener", target: "_blank", text }) : null;

  // Times and figures.
  const two = (number) => String(number).padStart(2, "0");
  const seconds = (ms) => {
    if (ms === null || ms === undefined) return "–";
    const all = ms / 1000;
    if (all < 1) return `${Math.round(ms)} ms`;
    if (all < 60) return `${all < 10 ? all.toFixed(1) : Math.round(all)} s`;
    const whole = Math.round(all);
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
    return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  };
  const moment = (ms) => (ms === null || ms === undefined ? "–" : new Date(ms).toISOString().replace("T", " ").slice(0, 19) + " UTC");
  const bytes = (count) => {
    if (count === null) return "–";
    let size = count, unit = "B";
    for (const next of ["KiB", "MiB", "GiB", "TiB"]) if (size >= 1024) [size, unit] = [size / 1024, next];
    return `${unit === "B" || size >= 100 ? Math.round(size) : size.toFixed(1)} ${unit}`;
  };
  const count = (number) => number.toLocaleString("en");
  const plural = (number, what) => `${count(number)} ${what}${number === 1 ? "" : "s"}`;
  const dollars = (amount) => (amount === null || amount === undefined ? "–" : amount === 0 ? "$0" : `$${amount.toFixed(amount >= 10 ? 2 : amount >= 0.01 ? 4 : 6)}`);
  const KIND = { SUCCEEDED: "good", succeeded: "good", "finished before": "good", FAILED: "bad", failed: "bad", TIMED_OUT: "bad", ABORTED: "bad", RUNNING: "busy", running: "busy", starting: "busy", waiting: "wait" };
  const pill = (text) => el("span", { class: `pill is-${KIND[text] || "idle"}`, text: text.toLowerCase().replace("_", " ") });

  // Rows: one for each split, with its attempts; by layer.
  const A = D.attempts, FIELDS = A.fields;
  const place = Object.fromEntries(FIELDS.map((name, number) => [name, number]));
  const attempts = A.rows.map((row) => {
    const shape = A.shapes[row[place.shape]];
    const time = (name) => (row[place[name]] === null ? null : D.base + row[place[name]]);
    return { layer: row[place.layer], index: row[place.index], attempt: row[place.attempt], created: time("created"), started: time("started"), stopped: time("stopped"), outcome: A.outcomes[row[place.outcome]], job: row[place.job], stream: row[place.stream], link: row[place.link], shape };
  });
  const LAYERS = D.layers.map((layer, number) => ({ ...layer, number, rows: [], open: false }));
  const rowOf = new Map();
  for (const one of attempts) {
    const key = `${one.layer}/${one.index}`;
    let row = rowOf.get(key);
    if (!row) {
      const layer = LAYERS[one.layer];
      row = { layer, index: one.index, attempts: [], label: one.index === null ? layer.name : `${layer.name}[${one.index}]` };
      rowOf.set(key, row);
      layer.rows.push(row);
    }
    row.attempts.push(one);
  }
  const now = D.stopped ?? D.made;
  const hasEnded = (one) => one.outcome === "succeeded" || one.outcome === "failed" || one.outcome === "stopped";
  const endOf = (one) => one.stopped ?? (hasEnded(one) ? one.started ?? one.created : now);
  for (const row of rowOf.values()) {
    row.attempts.sort((a, b) => (a.created ?? a.started ?? 0) - (b.created ?? b.started ?? 0) || a.attempt - b.attempt);
    const last = row.attempts[row.attempts.length - 1];
    row.outcome = last.outcome;
    row.begin = Math.min(...row.attempts.map((one) => one.created ?? one.started ?? Infinity));
    row.ran = row.attempts.reduce((sum, one) => sum + (one.started === null ? 0 : Math.max(0, (endOf(one) ?? one.started) - one.started)), 0);
    row.waited = row.attempts.reduce((sum, one) => sum + (one.created !== null && one.started !== null ? Math.max(0, one.started - one.created) : 0), 0);
  }
  const finite = (numbers) => numbers.filter((number) => number !== null && Number.isFinite(number));
  const least = (numbers) => numbers.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (numbers) => numbers.reduce((a, b) => Math.max(a, b), -Infinity);
  let T0 = least(finite([D.created, ...attempts.flatMap((one) => [one.created, one.started])]));
  let T1 = most(finite([D.stopped, ...attempts.flatMap((one) => [one.started, endOf(one)])]));
  if (!Number.isFinite(T0)) [T0, T1] = [0, 1];
  if (!(T1 > T0)) T1 = T0 + 1;
  const median = (numbers) => {
    if (!numbers.length) return null;
    const sorted = [...numbers].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  };

  // The head.
  $("flow").textContent = D.flow;
  $("status").replaceWith(Object.assign(pill(D.status || "unknown"), { id: "status" }));
  $("execution").textContent = D.execution;
  $("copy").addEventListener("click", async () => {
    try { await navigator.clipboard.writeText(D.execution); $("copy").textContent = "Copied"; }
    catch { getSelection().selectAllChildren($("execution")); }
  });
  if (/^https:\/\//.test(D.link)) { $("console").href = D.link; $("console").hidden = false; }
  $("theme").addEventListener("click", () => {
    const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const shown = root.dataset.theme || (dark ? "dark" : "light");
    root.dataset.theme = shown === "dark" ? "light" : "dark";
  });
  const rows = [...rowOf.values()];
  const failedRows = rows.filter((row) => row.outcome === "failed").length;
  const stoppedRows = rows.filter((row) => row.outcome === "stopped").length;
  const retried = rows.filter((row) => row.attempts.length > 1).length;
  const fact = (name, value, bad) => el("div", {}, el("dt", { text: name }), el("dd", { text: value, class: bad && "bad" }));
  $("facts").append(
    fact("Started, UTC", moment(D.created ?? (attempts.length ? T0 : null)).replace(" UTC", "")),
    fact(D.stopped ? "Took" : "So far", seconds(attempts.length || D.stopped ? (D.stopped ?? T1) - (D.created ?? T0) : null)),
    fact("Layers", count(LAYERS.length)),
    fact("Tasks", count(rows.length)),
    fact("Failed", count(failedRows), failedRows > 0),
    ...(stoppedRows ? [fact("Stopped", count(stoppedRows))] : []),
    fact("Retried", count(retried)),
    ...(D.cost ? [fact("Cost, estimated", dollars(D.cost.total))] : []),
  );
  if (D.notes.length) { $("notes").hidden = false; $("notes").append(...D.notes.map((text) => el("li", { text }))); }

  // Failures.
  const showRow = (layer, index) => {
    const row = rowOf.get(`${layer}/${index}`) || rowOf.get(`${layer}/null`);
    if (!row) return;
    clearFilters();
    row.layer.open = true;
    refresh();
    viewport.scrollIntoView({ block: "nearest" });
    choose(row, true, true);
    openDetails(row);
  };
  const numberOf = new Map(LAYERS.map((layer) => [layer.name, layer.number]));
  // Failures of one layer that read the same are one entry, with a button for each of its splits.
  const SHOWN = 24;
  const alike = (shown) => {
    const groups = new Map();
    for (const one of shown) {
      const key = JSON.stringify([one.flow, one.layer, one.kind, one.reason, one.frame]);
      groups.set(key, [...(groups.get(key) || []), one]);
    }
    return [...groups.values()];
  };
  const showButton = (one, text) => {
    if (!numberOf.has(one.layer) || !rowOf.size) return null;
    const number = numberOf.get(one.layer), index = one.splits > 1 || rowOf.has(`${number}/${one.index}`) ? one.index : null;
    return el("button", { class: "plain", type: "button", text, on: { click: () => showRow(number, index) } });
  };
  const describeFailure = (group, first) => {
    const one = group[0], several = group.length > 1;
    const split = several ? `${one.layer}: ${plural(group.length, "split")} of ${count(one.splits)}` : one.splits > 1 ? `${one.layer}[${one.index}] of ${count(one.splits)}` : one.layer;
    const tags = [one.time && `at ${one.time}`, one.exit_code !== null && `exit code ${one.exit_code}`, one.job && `job ${one.job}`, one.log_stream && `${one.log_group} ${one.log_stream}`].filter(Boolean);
    const others = several ? el("div", { class: "tags" }, ...group.slice(0, SHOWN).map((each) => showButton(each, `[${each.index}]`)), group.length > SHOWN ? el("span", { text: `and ${count(group.length - SHOWN)} more` }) : null) : null;
    return el("div", { class: "failure" },
      el("h3", {}, el("span", { text: split || `Execution ${one.execution}` }), el("span", { class: "pill is-bad", text: one.kind }), one.attempt && !several ? el("span", { class: "where", text: `attempt ${one.attempt}` }) : null),
      el("p", { class: "reason", text: one.reason }),
      one.frame ? el("div", { class: "where", text: `at ${one.frame}` }) : null,
      el("div", { class: "tags" }, several ? el("span", { text: `the first: [${one.index}]` }) : null, ...tags.map((text) => el("span", { text })), safeLink(one.link, "Log"), several ? null : showButton(one, "Show in the timeline")),
      others,
      one.traceback ? el("details", { open: first }, el("summary", { text: "Traceback" }), el("pre", { text: one.traceback })) : null);
  };
  if (D.failures.count) {
    $("failures").hidden = false;
    $("failure-list").append(...alike(D.failures.shown).map((group, number) => describeFailure(group, number === 0)));
    const left = D.failures.count - D.failures.shown.length;
    if (left > 0) $("failure-list").append(el("p", { class: "hint", text: `... and ${plural(left, "more failure")}` }));
    if (D.refused) $("failure-list").append(el("p", { class: "hint", text: "Its parameters were refused. Start another execution, with other parameters and another id: this one keeps its own, so no resume helps." }));
    if (D.resume) $("failure-list").append(el("p", { class: "hint", text: "Resume it, without what has finished:" }), el("pre", { text: D.resume }));
  }

  // The graph and the table of layers.
  let chosenLayer = null;
  const cards = new Map([...document.querySelectorAll("[data-card]")].map((card) => [card.dataset.card, card]));
  const chooseLayer = (layer) => {
    chosenLayer = chosenLayer === layer ? null : layer;
    for (const [name, card] of cards) {
      card.classList.toggle("chosen", chosenLayer !== null && chosenLayer.name === name);
      card.setAttribute("aria-pressed", String(chosenLayer !== null && chosenLayer.name === name));
    }
    $("search").value = chosenLayer ? chosenLayer.name : "";
    if (chosenLayer && chosenLayer.rows.length < 400) chosenLayer.open = true;
    refresh();
    drawArtifacts();
    $("live").textContent = chosenLayer ? `only ${chosenLayer.name}` : "all layers";
  };
  for (const [name, card] of cards) {
    const layer = LAYERS[numberOf.get(name)];
    card.addEventListener("click", () => chooseLayer(layer));
    card.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); chooseLayer(layer); } });
  }
  $("graph-hint").textContent = cards.size ? "Choose a layer to see only its splits and artifacts." : "";
  if (!LAYERS.length) $("drawing").append(el("p", { class: "empty", text: "Nothing has run, and the layers are not known." }));
  $("layer-table").append(
    el("thead", {}, el("tr", {}, ...["Layer", "State", "Splits", "Failed attempts", "Waited, median", "Ran, median", "Ran, longest", "Span"].map((text, number) => el("th", { text, class: number > 1 && "number" })))),
    el("tbody", {}, ...LAYERS.map((layer) => {
      const ran = layer.rows.filter((row) => row.attempts.some((one) => one.started !== null)).map((row) => row.ran);
      const waited = layer.rows.filter((row) => row.attempts.some((one) => one.created !== null && one.started !== null)).map((row) => row.waited);
      const failed = layer.rows.reduce((sum, row) => sum + row.attempts.filter((one) => one.outcome === "failed").length, 0);
      const begins = finite(layer.rows.flatMap((row) => row.attempts.map((one) => one.started ?? null)));
      const ends = finite(layer.rows.flatMap((row) => row.attempts.map((one) => (one.started === null ? null : endOf(one)))));
      const span = begins.length && ends.length ? most(ends) - least(begins) : null;
      return el("tr", {}, el("td", { class: "name" }, el("button", { class: "plain", type: "button", text: layer.name, title: layer.summary, on: { click: () => { chooseLayer(layer); $("timeline").scrollIntoView(); } } })), el("td", {}, pill(layer.state)),
        ...[layer.splits === null ? "–" : count(layer.splits), failed ? count(failed) : "0", seconds(median(waited)), seconds(median(ran)), seconds(ran.length ? most(ran) : null), seconds(span)].map((text) => el("td", { class: "number", text })));
    })));

  // The timeline: only the rows in sight are elements.
  const viewport = $("viewport"), spacer = $("spacer");
  const phone = matchMedia("(max-width: 640px)");
  let HEAD = 34, LINE = phone.matches ? 26 : 22;
  let view = [T0, T1 + (T1 - T0) * 0.01], items = [], tops = [], chosen = null, shown = null, outcome = "all";
  const clearFilters = () => { $("search").value = ""; chosenLayer = null; outcome = "all"; for (const card of cards.values()) card.classList.remove("chosen"); drawChips(); };
  const OUTCOMES = [["all", () => true], ["failed", (row) => row.outcome === "failed"], ["stopped", (row) => row.outcome === "stopped"], ["retried", (row) => row.attempts.length > 1], ["running", (row) => row.outcome === "running"], ["waiting", (row) => row.outcome === "waiting" || row.outcome === "starting"], ["succeeded", (row) => row.outcome === "succeeded"]];
  const drawChips = () => {
    const shown = OUTCOMES.map(([name, test]) => [name, rows.filter(test).length]).filter(([name, number]) => number || name === "all");
    $("outcomes").replaceChildren(...shown.map(([name, number]) => el("button", { type: "button", "aria-pressed": String(name === outcome), text: `${name} ${count(number)}`, "data-outcome": name, on: { click: () => { outcome = name; drawChips(); refresh(); } } })));
  };
  const ORDERS = { index: (a, b) => (a.index ?? 0) - (b.index ?? 0), start: (a, b) => a.begin - b.begin, long: (a, b) => b.ran - a.ran, waited: (a, b) => b.waited - a.waited };
  const matcher = () => {
    const text = $("search").value.trim(), exact = text.match(/^(.*)\[(\d+)(?:-(\d+))?\]?$/);
    if (chosenLayer && text === chosenLayer.name) return (row) => row.layer === chosenLayer;
    if (exact) {
      const from = Number(exact[2]), to = exact[3] === undefined ? from : Number(exact[3]), name = exact[1].toLowerCase();
      return (row) => row.index !== null && row.index >= from && row.index <= to && row.layer.name.toLowerCase().includes(name);
    }
    return (row) => row.label.toLowerCase().includes(text.toLowerCase());
  };
  const refresh = () => {
    const matches = matcher(), test = OUTCOMES.find(([name]) => name === outcome)[1], order = ORDERS[$("order").value];
    const narrow = outcome !== "all" || /\[/.test($("search").value);
    items = [];
    for (const layer of LAYERS) {
      const kept = layer.rows.filter((row) => test(row) && matches(row));
      if (!kept.length) continue;
      const single = layer.rows.length === 1 && layer.rows[0].index === null || layer.splits === 1 && layer.rows.length === 1;
      layer.kept = kept;
      items.push({ layer, single, row: single ? kept[0] : null, open: !single && (layer.open || (narrow && kept.length <= 200)) });
      if (items[items.length - 1].open) for (const row of kept.sort(order)) items.push({ layer, row });
    }
    tops = new Float64Array(items.length + 1);
    items.forEach((item, number) => { tops[number + 1] = tops[number] + (isHead(item) ? HEAD : LINE); });
    spacer.style.height = `${tops[items.length]}px`;
    viewport.style.height = `${Math.max(90, Math.min(tops[items.length] + 2, innerHeight * 0.62, 620))}px`;
    if (!items.length) spacer.replaceChildren(el("p", { class: "empty", text: attempts.length ? "No split matches." : "No attempt is known." }));
    draw();
  };
  const isHead = (item) => !item.row || item.single;
  const share = (time) => ((time - view[0]) / (view[1] - view[0])) * 100;
  const bar = (kind, from, to, title) => {
    const left = share(from), right = share(to);
    if (right < 0 || left > 100) return null;
    const made = el("span", { class: `bar ${kind}`, title });
    made.style.left = `${Math.max(left, -1)}%`;
    made.style.width = `${Math.max(Math.min(right, 101) - Math.max(left, -1), 0)}%`;
    return made;
  };
  const bars = (row) => row.attempts.flatMap((one) => {
    const begin = one.created ?? one.started, end = endOf(one);
    if (begin === null) return [];
    const name = row.attempts.length > 1 ? `attempt ${one.attempt}, ` : "";
    const waited = one.started === null ? bar(one.outcome, begin, end ?? begin, `${name}${one.outcome}`) : one.created !== null && one.started > one.created ? bar("waited", one.created, one.started, `${name}waited ${seconds(one.started - one.created)}`) : null;
    const ran = one.started === null ? null : bar(one.outcome, one.started, end ?? one.started, `${name}${one.outcome}, ran ${seconds((end ?? one.started) - one.started)}`);
    return [waited, ran].filter(Boolean);
  });
  // How many splits of a layer run at a time, and where attempts failed.
  const strip = (layer) => {
    const BINS = 240, width = (view[1] - view[0]) / BINS, change = new Float64Array(BINS + 2), failed = new Set();
    for (const row of layer.kept) for (const one of row.attempts) {
      if (one.started === null) continue;
      const end = endOf(one) ?? one.started;
      const from = Math.floor((one.started - view[0]) / width), to = Math.floor((end - view[0]) / width);
      if (one.outcome === "failed" && to >= 0 && to < BINS) failed.add(to);
      if (to < 0 || from > BINS - 1) continue;
      change[Math.max(from, 0)] += 1;
      change[Math.min(to, BINS - 1) + 1] -= 1;
    }
    let running = 0, highest = 0;
    const heights = Array.from({ length: BINS }, (_, bin) => { running += change[bin]; highest = Math.max(highest, running); return running; });
    const image = document.createElementNS(SVG, "svg"), area = document.createElementNS(SVG, "path"), ticks = document.createElementNS(SVG, "path");
    image.setAttribute("class", "strip"); image.setAttribute("viewBox", `0 0 ${BINS} 100`); image.setAttribute("preserveAspectRatio", "none"); image.setAttribute("aria-hidden", "true");
    area.setAttribute("class", "busy");
    area.setAttribute("d", `M0 100${heights.map((height, bin) => { const y = 100 - (highest ? (height / highest) * 96 : 0); return `L${bin} ${y.toFixed(1)}L${bin + 1} ${y.toFixed(1)}`; }).join("")}L${BINS} 100Z`);
    ticks.setAttribute("class", "fail");
    ticks.setAttribute("d", [...failed].map((bin) => `M${bin + 0.5} 72L${bin + 0.5} 100`).join(""));
    image.append(area, ticks);
    return image;
  };
  const say = (item) => {
    if (!item.row) return `${item.layer.name}, ${plural(item.layer.kept.length, "split")}, ${item.layer.state}`;
    const row = item.row;
    return `${row.label}, ${row.outcome}, waited ${seconds(row.waited)}, ran ${seconds(row.ran)}${row.attempts.length > 1 ? `, ${row.attempts.length} attempts` : ""}`;
  };
  const drawRow = (number) => {
    const item = items[number], head = isHead(item);
    const label = el("span", { class: "label" });
    if (head && !item.single) label.append(el("span", { class: "twist", text: item.open ? "▾" : "▸" }), item.layer.name, el("span", { class: "sum", text: `  ${count(item.layer.kept.length)}${item.layer.kept.length < item.layer.rows.length ? ` of ${count(item.layer.rows.length)}` : ""}` }));
    else if (head) label.append(el("span", { class: "twist", text: "" }), item.layer.name);
    else label.append(item.row.index === null ? "all splits" : `[${item.row.index}]`);
    const lane = el("span", { class: "lane" }, ...(item.row ? bars(item.row) : [strip(item.layer)]));
    if (item.single) for (const one of lane.children) one.style.top = "11px";
    const made = el("div", { id: `row-${number}`, role: "treeitem", "aria-level": head ? "1" : "2", "aria-expanded": head && !item.single ? String(item.open) : null, "aria-selected": String(isChosen(item)), "aria-label": say(item), class: `row ${head ? "layer" : "split"}${item.row && item.row.outcome === "failed" ? " failed" : ""}${isChosen(item) ? " chosen" : ""}` }, label, lane);
    made.style.top = `${tops[number]}px`;
    return made;
  };
  const keyOf = (item) => (item.row && !item.single ? item.row : item.layer);
  const isChosen = (item) => chosen !== null && keyOf(item) === chosen;
  const find = (y) => { let low = 0, high = items.length; while (low < high) { const middle = (low + high) >> 1; if (tops[middle + 1] <= y) low = middle + 1; else high = middle; } return low; };
  let waiting = false;
  const draw = () => {
    drawTicks();
    if (!items.length) return;
    const first = Math.max(find(viewport.scrollTop) - 4, 0), last = Math.min(find(viewport.scrollTop + viewport.clientHeight) + 4, items.length - 1);
    const made = [];
    for (let number = first; number <= last; number += 1) made.push(drawRow(number));
    spacer.replaceChildren(...made);
    const at = items.findIndex(isChosen);
    if (at >= first && at <= last) viewport.setAttribute("aria-activedescendant", `row-${at}`);
    else viewport.removeAttribute("aria-activedescendant");
  };
  const later = () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; draw(); }); } };
  const drawTicks = () => {
    const span = view[1] - view[0], room = Math.max($("ticks").clientWidth / 92, 2);
    const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5, 1728e5, 6048e5];
    const step = steps.find((one) => span / one <= room) || steps[steps.length - 1] * Math.ceil(span / room / steps[steps.length - 1]);
    const made = [];
    for (let at = Math.ceil((view[0] - T0) / step) * step; at + T0 < view[1] - span * 0.05 && made.length < 60; at += step) {
      const tick = el("span", { class: "tick", text: at === 0 ? "0" : at % 1000 && step < 1000 ? `${(at / 1000).toFixed(step < 10 ? 3 : step < 100 ? 2 : 1)} s` : seconds(at).replace(" min 00 s", " min").replace(" h 00 min", " h").replace(/^(\d)\.0 s/, "$1 s") });
      tick.style.left = `${share(at + T0)}%`;
      made.push(tick);
    }
    $("ticks").replaceChildren(...made);
  };
  const choose = (key, scroll, far = false) => {
    chosen = key && key.row !== undefined ? keyOf(key) : key;
    const at = items.findIndex(isChosen);
    if (scroll && at >= 0) {
      const above = tops[at] < viewport.scrollTop, below = tops[at + 1] > viewport.scrollTop + viewport.clientHeight;
      if (far && (above || below)) viewport.scrollTop = tops[at] - viewport.clientHeight / 2;
      else if (above) viewport.scrollTop = tops[at];
      else if (below) viewport.scrollTop = tops[at + 1] - viewport.clientHeight;
    }
    draw();
  };
  const act = (item) => {
    chosen = keyOf(item);
    if (item.row) { draw(); openDetails(item.row); return; }
    item.layer.open = !item.open;
    refresh();
  };
  const move = (to) => { if (items.length) { const at = Math.max(0, Math.min(items.length - 1, to)); choose(items[at], true); $("live").textContent = say(items[at]); } };
  const zoom = (factor, at = (view[0] + view[1]) / 2) => {
    const span = Math.max((view[1] - view[0]) * factor, 2), whole = (T1 - T0) * 1.01;
    if (span >= whole) view = [T0, T0 + whole];
    else { const from = at - ((at - view[0]) / (view[1] - view[0])) * span; view = clamp(from, span); }
    draw();
  };
  const clamp = (from, span) => { const low = Math.max(T0 - span * 0.02, Math.min(from, T0 + (T1 - T0) * 1.01 - span)); return [low, low + span]; };
  const pan = (part) => { const span = view[1] - view[0]; view = clamp(view[0] + span * part, span); draw(); };
  const nextFailure = () => {
    const order = [];
    for (const layer of LAYERS) for (const row of layer.rows) if (row.outcome === "failed") order.push(row);
    if (!order.length) return;
    const row = order[(order.indexOf(lastFailure) + 1) % order.length];
    lastFailure = row;
    showRow(row.layer.number, row.index);
  };
  let lastFailure = null;
  viewport.addEventListener("scroll", later, { passive: true });
  viewport.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const lane = $("ticks").getBoundingClientRect();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, view[0] + ((event.clientX - lane.left) / lane.width) * (view[1] - view[0]));
  }, { passive: false });
  viewport.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = items.findIndex(isChosen), item = items[at], page = Math.floor(viewport.clientHeight / LINE);
    const folds = item && isHead(item) && !item.single;
    const keys = {
      ArrowDown: () => move(at + 1), ArrowUp: () => move(at < 0 ? 0 : at - 1), PageDown: () => move(at + page), PageUp: () => move(at - page), Home: () => move(0), End: () => move(items.length - 1),
      ArrowRight: () => { if (folds && !item.open) act(item); else pan(0.2); }, ArrowLeft: () => { if (folds && item.open) act(item); else pan(-0.2); },
      Enter: () => { if (item && shown === item.row && item.row) $("details").focus(); else if (item) act(item); }, " ": () => { if (item) act(item); }, "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1.6), "0": () => zoom(Infinity), n: nextFailure,
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  // Not by a press of the mouse: a draw between press and release would take away what is clicked.
  viewport.addEventListener("focus", () => { if (viewport.matches(":focus-visible") && chosen === null && items.length) choose(items[0], false); });
  // One listener for all rows, which come and go: the place of the click says which one it is.
  viewport.addEventListener("click", (event) => {
    const y = event.clientY - spacer.getBoundingClientRect().top;
    if (!moved && y >= 0 && y < tops[items.length]) act(items[find(y)]);
  });
  let drag = null, moved = false;
  viewport.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse" && event.button === 0) drag = { x: event.clientX, view: [...view] }; moved = false; });
  addEventListener("pointermove", (event) => {
    if (!drag) return;
    const by = ((event.clientX - drag.x) / $("ticks").clientWidth) * (drag.view[1] - drag.view[0]);
    if (Math.abs(event.clientX - drag.x) > 4) moved = true;
    if (moved) { view = clamp(drag.view[0] - by, drag.view[1] - drag.view[0]); later(); }
  });
  addEventListener("pointerup", () => { drag = null; });
  $("zoom-in").addEventListener("click", () => zoom(0.6));
  $("zoom-out").addEventListener("click", () => zoom(1.6));
  $("zoom-all").addEventListener("click", () => zoom(Infinity));
  $("order").addEventListener("change", refresh);
  let typed = 0;
  $("search").addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(refresh, 60); });
  addEventListener("resize", () => { LINE = phone.matches ? 26 : 22; refresh(); });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !$("details").hidden) { closeDetails(); return; }
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); $("search").focus(); }
  });

  // The details of a split.
  const failureOf = (row, attempt) => D.failures.shown.find((one) => one.layer === row.layer.name && (row.index === null || one.index === row.index) && (!one.attempt || one.attempt === attempt));
  const list = (facts) => el("dl", {}, ...facts.filter(([, value]) => value).flatMap(([name, value]) => [el("dt", { text: name }), el("dd", {}, value)]));
  const openDetails = (row) => {
    const panel = $("details");
    shown = row;
    panel.replaceChildren(
      el("header", {}, el("h2", { text: row.label }), pill(row.outcome), el("button", { type: "button", text: "Close", on: { click: closeDetails } })),
      ...[...row.attempts].reverse().map((one) => {
        const shape = one.shape, end = endOf(one), failure = one.outcome === "failed" || one.outcome === "stopped" ? failureOf(row, one.attempt) : undefined;
        return el("div", { class: "attempt" }, el("strong", { text: `Attempt ${one.attempt}: ${one.outcome}` }),
          list([["Submitted", one.created === null ? "" : moment(one.created)], ["Waited", one.created !== null && one.started !== null ? seconds(one.started - one.created) : ""], ["Started", one.started === null ? "" : moment(one.started)], ["Ran", one.started === null ? "" : seconds((end ?? one.started) - one.started)], ["Ended", one.stopped === null ? "" : moment(one.stopped)],
            ["On", shape.on], ["Size", shape.size], ["Image", shape.image], ["Job", one.job], ["Log", one.stream ? el("span", {}, `${shape.group} ${one.stream} `) : ""], ["", safeLink(one.link, "Open in the console")]]),
          failure ? el("div", {}, el("p", { class: "reason mono", text: failure.reason }), failure.traceback ? el("pre", { text: failure.traceback }) : null) : null);
      }));
    panel.hidden = false;
    panel.setAttribute("aria-label", `Details of ${row.label}`);
  };
  const closeDetails = () => { shown = null; $("details").hidden = true; viewport.focus({ preventScroll: true }); };

  // Artifacts.
  const previewOf = (preview) => {
    if (!preview) return null;
    if (preview.kind === "image" && /^image\/(png|jpeg|gif|webp)$/.test(preview.type)) return el("img", { src: `data:${preview.type};base64,${preview.data}`, alt: "preview" });
    if (preview.kind === "table") return el("div", {}, el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ...preview.columns.map((text) => el("th", { text })))), el("tbody", {}, ...preview.rows.map((cells) => el("tr", {}, ...cells.map((text) => el("td", { class: /^-?[\d.,e+-]+$/.test(text) && "number", text }))))))), preview.more ? el("p", { class: "hint", text: `... and ${plural(preview.more, "more row")}` }) : null);
    const text = String(preview.text);
    return text.length > 60 || text.includes("\n") ? el("pre", { text }) : el("code", { text });
  };
  const drawArtifacts = () => {
    const shown = D.artifacts.filter((one) => !chosenLayer || one.layer === chosenLayer.name);
    $("artifact-hint").textContent = chosenLayer ? `Of ${chosenLayer.name}.` : "";
    if (!shown.length) { $("artifact-table").replaceChildren(el("tbody", {}, el("tr", {}, el("td", { class: "empty", text: "No artifacts are known." })))); return; }
    $("artifact-table").replaceChildren(
      el("thead", {}, el("tr", {}, ...["Artifact", "Values", "Type", "Stored", "Preview"].map((text, number) => el("th", { text, class: (number === 1 || number === 3) && "number" })))),
      el("tbody", {}, ...shown.map((one) => el("tr", {},
        el("td", { class: "name" }, one.attribute ? `${one.layer}.${one.attribute}` : one.layer),
        el("td", { class: "number", text: one.count ? count(one.count) : "–" }),
        el("td", {}, el("code", { text: one.dtype.replace(/^builtins\./, "") || "–" })),
        el("td", { class: "number", title: one.measured && one.measured < one.count ? `${one.measured} of ${count(one.count)} values were measured` : null, text: one.size === null ? "–" : `${one.measured < one.count ? "≥ " : ""}${bytes(one.size)}` }),
        el("td", { class: "preview" }, previewOf(one.preview) || el("span", { class: "where hint", text: one.note }))))));
  };

  // Costs, and what a profile would change.
  const drawCost = () => {
    if (!D.cost) { $("cost-body").append(el("p", { class: "empty", text: "The cost is not known." })); return; }
    const highest = most([...D.cost.layers.map((one) => one.dollars), D.cost.orchestration ?? 0, 1e-12]);
    const line = (name, tries, time, amount, note, whole) => {
      const fill = el("i"); fill.style.width = `${Math.min(100, (100 * (amount ?? 0)) / highest)}%`;
      return el("tr", {}, el("td", { class: "name", text: name }), el("td", { class: "number", text: tries }), el("td", { class: "number", text: time }), el("td", { class: "number", text: note && !amount ? note : dollars(amount), title: note || null }), el("td", {}, whole ? null : el("div", { class: "share" }, fill)));
    };
    $("cost-body").append(
      el("p", { class: "hint", text: "An estimate by the prices of us-east-1, not a bill." }),
      el("div", { class: "scroll" }, el("table", {},
        el("thead", {}, el("tr", {}, el("th", { text: "What" }), el("th", { class: "number", text: "Attempts" }), el("th", { class: "number", text: "Ran, all together" }), el("th", { class: "number", text: "Dollars" }), el("th", { text: "" }))),
        el("tbody", {},
          D.cost.orchestration === null ? null : line("Orchestration", "", D.cost.transitions === null ? "" : plural(D.cost.transitions, "transition"), D.cost.orchestration),
          ...D.cost.layers.map((one) => line(one.layer, count(one.attempts), seconds(one.seconds * 1000), one.dollars, one.unknown ? `${plural(one.unknown, "attempt")} without a known price` : "")),
          line("All that is known", "", "", D.cost.total, "", true)))));
    if (D.cost.notes.length) $("cost-body").append(el("ul", { class: "notes" }, ...D.cost.notes.map((text) => el("li", { text }))));
  };
  if (D.advice.length) { $("profile").hidden = false; $("advice").append(...D.advice.map((text) => el("p", { text }))); }

  const parts = [["failures", "Failures", D.failures.count, true], ["graph", "Graph"], ["layers", "Layers", LAYERS.length], ["timeline", "Timeline", rows.length], ["artifacts", "Artifacts", D.artifacts.length], ["cost", "Cost"], ["profile", "Profile"]];
  $("sections").append(...parts.filter(([id]) => !$(id).hidden).map(([id, name, number, bad]) => el("a", { href: `#${id}` }, name, number === undefined ? null : el("span", { class: `count${bad ? " bad" : ""}`, text: count(number) }))));
  $("footer").textContent = `Made ${moment(D.made)}. This page is whole: it loads nothing from the network.`;
  for (const layer of LAYERS) layer.open = layer.rows.length <= 40 || false;
  drawChips();
  drawCost();
  drawArtifacts();
  refresh();
  document.documentElement.dataset.ready = "yes";
})();

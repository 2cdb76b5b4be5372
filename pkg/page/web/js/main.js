// The page: its head, a section for each data set, light and dark, and what is new.

const states = new Map(); // what the reader chose, by data set and experiments
let views = []; // of what is shown

function summaryOf(doc) {
  const runs = doc.sections.flatMap((s) => s.runs), series = doc.sections.flatMap((s) => s.series);
  const methods = new Set(series.map((s) => s.method)), seeds = new Set(runs.map((r) => r.seed));
  const cpus = new Set(runs.map((r) => (r.manifest || {}).cpu).filter(Boolean)), versions = new Set(runs.map((r) => (r.manifest || {}).dgn_version).filter(Boolean));
  const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
  const parts = [plural(methods.size, "method"), plural(runs.length, "run"), plural(seeds.size, "seed")];
  if (series.length > methods.size) parts.splice(1, 0, plural(series.length, "setting"));
  if (runs.some((r) => !r.complete)) parts.push(`${runs.filter((r) => !r.complete).length} not ended well`);
  if (versions.size) parts.push("made by dgn " + [...versions].join(", "));
  if (cpus.size) parts.push([...cpus].join(", "));
  return parts;
}

function header(doc) {
  const theme = el("button", { type: "button", id: "theme", title: "Light or dark", onclick: () => setTheme(isDark() ? "light" : "dark") }, isDark() ? "☀ Light" : "☾ Dark");
  document.getElementById("header").replaceChildren(
    el("div", { class: "title" }, el("h1", {}, el("bdi", {}, doc.title)), el("div", { class: "tools" }, doc.watch ? el("span", { id: "live", role: "status" }, "watching") : null, theme)),
    el("p", { class: "facts" }, summaryOf(doc).flatMap((t, i) => (i ? [el("span", { "aria-hidden": "true" }, " · "), el("bdi", {}, t)] : [el("bdi", {}, t)]))),
    doc.sections.length > 1 ? el("nav", { "aria-label": "Data sets" }, doc.sections.map((s, i) => el("a", { href: "#set-" + i }, el("bdi", {}, s.dataset)))) : "",
    ...(doc.alerts || []).slice(0, 6).map((a) => el("p", { class: "alert" }, a)),
    (doc.alerts || []).length > 6 ? el("details", {}, el("summary", {}, `${doc.alerts.length - 6} more warnings`), doc.alerts.slice(6).map((a) => el("p", { class: "alert" }, a))) : "",
    doc.thinned ? el("p", { class: "thinned" }, "Thinned: " + doc.thinned + ".") : "");
}

function sectionNode(doc, section, i) {
  const key = `${section.name}\n${section.dataset}`;
  if (!states.has(key)) states.set(key, newState(section));
  const state = states.get(key);
  if (!section.x.some((x) => x.name === state.x) || !state.y[0]) Object.assign(state, newState(section), { hidden: state.hidden });
  if (!state.goal) state.goal = section.goal;
  const summary = new Summary(doc, section, state), steps = section.stepY && section.stepY.length ? new Steps(doc, section, state) : null;
  let started = false; // the steps
  const explorer = new Explorer(doc, section, state, () => { summary.update(); if (steps && started) steps.update(); });
  const cards = figureCards(doc, section.figures, section.dataset);
  const node = el("section", { class: "set", id: "set-" + i }, el("h2", {}, el("bdi", {}, section.dataset), el("small", {}, el("bdi", {}, section.name))),
    section.alerts ? section.alerts.map((a) => el("p", { class: "alert" }, a)) : null,
    explorer.node, summary.node, steps ? steps.node : null, ...cards, ...partCards(section.parts), settingsCard(doc, section), runsCard(doc, section, state));
  return { node, start() {
    explorer.start();
    summary.start();
    if (steps) near(steps.node, () => { started = true; steps.start(); });
  } };
}

function build(doc) {
  for (const chart of [...charts]) chart.destroy();
  header(doc);
  document.title = plain(doc.title);
  const main = document.getElementById("main");
  views = doc.sections.map((s, i) => sectionNode(doc, s, i));
  const over = [...figureCards(doc, doc.figures, "all"), ...partCards(doc.parts)];
  main.replaceChildren(...views.map((v) => v.node), ...over,
    doc.sections.length ? "" : el("p", { class: "empty" }, doc.watch ? "There are no runs yet. They will be shown here as soon as there are." : "There are no runs."));
  for (const v of views) v.start();
  if (doc.digits) document.getElementById("digits").textContent = `Numbers of logs are those of ${doc.digits} digits, as they are many. `;
}

let shown = null;
function setTheme(name) {
  document.documentElement.dataset.theme = name;
  build(shown);
}

// follow asks the server for what is new. It says so when the server is gone.
async function follow() {
  let tag = "";
  const live = (text, ill) => {
    const node = document.getElementById("live");
    if (!node) return;
    node.textContent = plain(text);
    node.className = ill ? "ill" : "";
  };
  for (;;) {
    await new Promise((done) => setTimeout(done, 1500));
    if (document.hidden) continue;
    let answer;
    try {
      answer = await fetch("data", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    } catch (e) {
      live("the server has ended: what is shown is what it said last", true);
      continue;
    }
    try {
      if (answer.status === 304) { live("watching"); continue; }
      if (!answer.ok) { live(await answer.text(), true); continue; }
      tag = answer.headers.get("ETag") || "";
      const doc = decode(await answer.json());
      const at = window.scrollY, focused = document.activeElement && document.activeElement.name;
      const typing = focused && document.activeElement.type !== "range" ? [document.activeElement.selectionStart, document.activeElement.value] : null;
      const zooms = new Map([...charts].filter((c) => c.zoom).map((c) => [c.spec.name, c.zoom]));
      shown = doc;
      build(doc);
      for (const chart of charts) if (zooms.has(chart.spec.name)) { chart.zoom = zooms.get(chart.spec.name); chart.apply(); }
      window.scrollTo(0, at);
      if (focused) {
        const again = document.querySelector(`[name="${CSS.escape(focused)}"]`);
        if (again) again.focus();
        if (again && typing && again.type === "search") again.setSelectionRange(typing[0], typing[0]);
      }
      live("updated " + new Date().toLocaleTimeString());
    } catch (e) {
      live("what is new cannot be shown: " + e.message, true);
      console.error(e);
    }
  }
}

async function begin() {
  const main = document.getElementById("main");
  try {
    if (typeof DecompressionStream === "undefined") throw new Error("this browser cannot decompress data; any of 2023 or later can");
    shown = decode(await unpack(document.getElementById("data").textContent));
    build(shown);
    document.documentElement.dataset.ready = "yes";
    if (shown.watch) follow();
  } catch (e) {
    main.replaceChildren(el("p", { class: "alert" }, "This page cannot be shown: " + e.message));
    console.error(e);
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (shown && !document.documentElement.dataset.theme) build(shown); });
begin();

// The page: one session of those in its data, with tools, a strip of time and a player.
"use strict";

const KINDS = ["http", "grpc", "stdin", "stdout", "stderr", "status", "resize", "control", "conn", "process", "fault", "data"];
const PALETTE = ["#3b4252", "#e0525e", "#5cc98a", "#e8c35a", "#5b9df5", "#c78bf0", "#4cc4d2", "#d7dde6",
                 "#6b7686", "#ff7b86", "#7fe0a6", "#ffdd7a", "#8fbcff", "#dcb0ff", "#7fe3ee", "#ffffff"];

function paletteColor(number) {
  if (typeof number === "string") return number;
  if (number < 16) return PALETTE[number];
  if (number >= 232) { const grey = 8 + (number - 232) * 10; return `rgb(${grey}, ${grey}, ${grey})`; }
  const n = number - 16, level = (value) => (value ? 55 + value * 40 : 0);
  return `rgb(${level(Math.floor(n / 36))}, ${level(Math.floor(n / 6) % 6)}, ${level(n % 6)})`;
}

// The screen of a Terminal as lines of spans.
function drawScreen(root, terminal) {
  const lines = terminal.lines.map((line, y) => {
    const made = element("div", {});
    let run = "", pen = null, isCursor = false;
    const flush = () => {
      if (run) made.append(styled(run, pen, isCursor));
      run = "";
    };
    line.forEach((cell, x) => {
      const here = terminal.modes.cursor && x === terminal.x && y === terminal.y;
      const isWide = widthOf(cell.text || " ") === 2; // a font may disagree: it gets a box
      if (cell.pen !== pen || here !== isCursor || isWide) { flush(); pen = cell.pen; isCursor = here; }
      run += cell.text;
      if (isWide) { made.append(styled(run, pen, isCursor, true)); run = ""; }
    });
    flush();
    if (!made.childNodes.length) made.append("\u00a0");
    return made;
  });
  root.replaceChildren(...lines);
}

function styled(text, pen, isCursor, isWide = false) {
  const names = [isCursor ? "cursor" : "", isWide ? "wide" : ""].join(" ").trim();
  const span = element("span", names ? { class: names } : {}, text);
  const bright = pen.bold && typeof pen.fg === "number" && pen.fg < 8 ? pen.fg + 8 : pen.fg;
  let fg = bright === null ? "" : paletteColor(bright), bg = pen.bg === null ? "" : paletteColor(pen.bg);
  if (pen.inverse) [fg, bg] = [bg || "var(--screen)", fg || "var(--text)"];
  if (fg) span.style.color = fg;
  if (bg) span.style.backgroundColor = bg;
  if (pen.bold) span.style.fontWeight = "bold";
  if (pen.dim) span.style.opacity = "0.6";
  if (pen.italic) span.style.fontStyle = "italic";
  if (pen.underline || pen.strike) span.style.textDecoration = `${pen.underline ? "underline" : ""} ${pen.strike ? "line-through" : ""}`;
  if (pen.hidden) span.style.visibility = "hidden";
  return span;
}

// Plays a recording on a Terminal; pauses longer than two seconds are shortened.
class Player {
  constructor(root, recording, ontime) {
    this.recording = recording;
    this.ontime = ontime;
    this.now = 0;
    this.speed = 1;
    this.playing = false;
    this.screen = element("div", { class: "screen", role: "img", "aria-label": "terminal" });
    this.button = element("button", { onclick: () => (this.playing ? this.pause() : this.play()) }, "▶ Play");
    this.slider = element("input", { type: "range", min: "0", max: String(recording.ended), step: "any", value: "0", "aria-label": "time",
                                     oninput: () => { this.pause(); this.seek(Number(this.slider.value)); } });
    this.clock = element("time", {});
    const speeds = element("select", { "aria-label": "speed", onchange: () => { this.speed = Number(speeds.value); } },
                           ...[0.1, 0.25, 0.5, 1, 2, 5].map((each) => element("option", { value: each, selected: each === 1 }, `${each}×`)));
    this.size = element("p", { class: "quiet" });
    root.replaceChildren(element("div", { class: "player" }, this.screen,
      element("div", { class: "controls" }, this.button, this.slider, speeds, this.clock),
      this.size));
    new ResizeObserver(() => this.fit()).observe(root);
    this.seek(recording.ended, true);
  }

  start() {
    this.terminal = new Terminal(this.recording.width, this.recording.height);
    this.next = 0;
  }

  seek(time, silent = false) {
    if (!this.terminal || time < this.now) this.start();
    this.now = time;
    const { moments } = this.recording;
    while (this.next < moments.length && moments[this.next][0] <= time) {
      const [, kind, text] = moments[this.next];
      if (kind === "o") this.terminal.write(text);
      else if (kind === "r") this.terminal.resize(...text.split("x").map(Number));
      this.next += 1;
    }
    drawScreen(this.screen, this.terminal);
    this.fit();
    this.slider.value = String(time);
    this.clock.textContent = `${milliseconds(time)} / ${milliseconds(this.recording.ended)}`;
    if (!silent) this.ontime(time);
  }

  // All columns are to be seen, in letters that can be read.
  fit() {
    const { width, height } = this.terminal;
    const room = this.screen.clientWidth - 26;
    if (room > 0) this.screen.style.fontSize = `${Math.max(7, Math.min(14, room / width / 0.605)).toFixed(2)}px`;
    const over = this.now >= this.recording.ended && this.recording.exit !== null;
    this.size.textContent = `${width}×${height}${over ? `, exit ${this.recording.exit}` : ""}`;
  }

  play() {
    if (this.now >= this.recording.ended) this.seek(0);
    this.playing = true;
    this.button.textContent = "❚❚ Pause";
    let before = performance.now();
    const step = (present) => {
      if (!this.playing) return;
      const passed = Math.max(0, present - before) * this.speed;
      before = present;
      const upcoming = this.recording.moments[this.next];
      const pause = upcoming ? upcoming[0] - this.now : 0;
      this.seek(Math.min(this.recording.ended, this.now + passed + Math.max(0, pause - 2000)));
      if (this.now >= this.recording.ended) this.pause();
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  pause() {
    this.playing = false;
    this.button.textContent = "▶ Play";
  }
}

// All frames over time, a line a lane; a click goes to the nearest.
class Strip {
  constructor(root, picture, go) {
    const total = Math.max(picture.session.duration, 0.001);
    const svg = shape("svg", { preserveAspectRatio: "none", viewBox: "0 0 1000 46" });
    const lanes = picture.lanes.length;
    const y = (lane) => 6 + (lane * 28) / Math.max(1, lanes - 1);
    const seen = new Set();
    for (const row of picture.rows) {
      const x = Math.round((row.t / total) * 2000) / 2;
      const key = `${x} ${row.s} ${row.e} ${row.k}`;
      if (seen.has(key)) continue; // more than this cannot be told apart
      seen.add(key);
      svg.append(shape("line", { x1: x, x2: x, y1: y(Math.min(row.s, row.e)) - 1.5, y2: y(Math.max(row.s, row.e)) + 1.5,
                                 class: `shaft ${row.k}`, "vector-effect": "non-scaling-stroke" }));
    }
    this.total = total;
    this.window = element("div", { class: "window" });
    this.now = element("div", { class: "now" });
    const ticks = [0.25, 0.5, 0.75].map((part) => {
      const tick = element("span", { class: "tick" }, `${milliseconds(total * part)}${total * part < 10000 ? " ms" : ""}`);
      tick.style.left = `${part * 100}%`;
      return tick;
    });
    root.replaceChildren(svg, this.window, this.now, ...ticks);
    const point = (event) => {
      const box = root.getBoundingClientRect();
      go((Math.max(0, Math.min(1, (event.clientX - box.left) / box.width))) * total);
    };
    root.onpointerdown = (event) => { root.setPointerCapture(event.pointerId); point(event); };
    root.onpointermove = (event) => { if (event.buttons) point(event); };
    this.at(0);
  }

  at(time) { this.now.style.left = `${(time / this.total) * 100}%`; }

  shows(from, to) {
    this.window.style.left = `${(from / this.total) * 100}%`;
    this.window.style.width = `${((to - from) / this.total) * 100}%`;
  }
}

class Page {
  constructor(root, pictures) {
    this.root = root;
    this.pictures = pictures;
    this.show(0);
    document.addEventListener("keydown", (event) => this.key(event));
  }

  show(number) {
    const picture = this.pictures[number];
    if (!picture) {
      this.root.replaceChildren(element("p", { class: "pane quiet" }, "There are no sessions here."));
      return;
    }
    this.picture = picture;
    const strip = element("div", { class: "strip", title: "all frames over time" });
    const diagram = element("section", { class: "sequence", "aria-label": "sequence" });
    const frame = element("section", { class: "pane", role: "tabpanel" });
    const terminal = element("section", { class: "pane", role: "tabpanel", hidden: true });
    const side = element("aside", { class: "side" }, this.tabs(frame, terminal, picture), frame, terminal);
    this.root.replaceChildren(this.head(picture, number), strip, this.tools(picture),
                              element("div", { class: "body" }, diagram, side));
    this.details = new Details(frame, picture, (index) => this.sequence.choose(index));
    this.sequence = new Sequence(diagram, picture, (index) => {
      this.details.show(index);
      this.strip.at(picture.rows[index].t);
      if (!this.fromPlayer) this.select(0);
      if (this.player && !this.player.playing && !this.fromPlayer) this.player.seek(picture.rows[index].t, true);
    });
    this.sequence.onzoom = (step) => this.zoom(this.level + step);
    this.strip = new Strip(strip, picture, (time) => this.goto(time));
    this.sequence.onview = (from, to) => this.strip.shows(from, to);
    this.sequence.draw();
    this.player = picture.terminal ? new Player(terminal, picture.terminal, (time) => this.follow(time)) : null;
    this.level = 0;
    this.hidden = new Set();
  }

  head(picture, number) {
    const { session } = picture;
    const good = session.exit === 0 || /^(2\d\d|closed|OK)/.test(session.status);
    const state = session.open ? "" : good ? " good" : " bad";
    const facts = element("div", { class: "facts" },
      session.status ? element("span", { class: `chip${state}` }, session.status) : null,
      session.client ? element("span", { class: "chip" }, session.client) : null,
      session.transport ? element("span", { class: "chip" }, [session.transport, session.subprotocol].filter(Boolean).join(" · ")) : null,
      element("span", { class: "chip" }, `${milliseconds(session.duration)}${session.duration < 10000 ? " ms" : ""}`),
      ...session.faults.map((fault) => element("span", { class: "chip fault" }, `⚡ ${fault}`)),
      element("span", {}, new Date(session.started * 1000).toISOString().replace("T", " ").replace("Z", " UTC")),
      element("span", { class: "chip id" }, session.id));
    const title = element("h1", {}, session.title);
    if (this.pictures.length < 2) return element("header", { class: "head" }, title, facts);
    const choice = element("select", { "aria-label": "session", onchange: () => this.show(Number(choice.value)) },
      ...this.pictures.map((each, n) => element("option", { value: n, selected: n === number }, `${each.session.title} — ${each.session.status}`)));
    return element("header", { class: "head" }, title, facts, choice);
  }

  tabs(frame, terminal, picture) {
    const panes = [frame, terminal];
    const buttons = [["Frame", 0], ["Terminal", 1]].map(([name, n]) =>
      element("button", { role: "tab", "aria-selected": String(n === 0), onclick: () => this.select(n) }, name));
    this.select = (chosen) => {
      buttons.forEach((button, n) => button.setAttribute("aria-selected", String(n === chosen)));
      panes.forEach((pane, n) => { pane.hidden = n !== chosen; });
    };
    return element("div", { class: "tabs", role: "tablist" }, buttons[0], picture.terminal ? buttons[1] : null);
  }

  tools(picture) {
    const present = KINDS.filter((kind) => picture.rows.some((row) => row.k === kind));
    this.search = element("input", { type: "search", placeholder: "filter frames  ( / )", "aria-label": "filter",
                                     oninput: () => this.sequence.filter(this.hidden, this.search.value) });
    const kinds = present.map((kind) => {
      const button = element("button", { class: `kind ${kind}`, "aria-pressed": "true", onclick: () => {
        const hide = !this.hidden.delete(kind);
        if (hide) this.hidden.add(kind);
        button.setAttribute("aria-pressed", String(!hide));
        this.sequence.filter(this.hidden, this.search.value);
      } }, element("i"), kind);
      return button;
    });
    this.slider = element("input", { type: "range", min: "0", max: "24", step: "1", value: "0", "aria-label": "zoom of the time axis",
                                     oninput: () => this.zoom(Number(this.slider.value)) });
    this.zoomText = element("span", { class: "quiet" }, "a frame a line");
    return element("div", { class: "tools" }, this.search, ...kinds, element("span", { class: "gap" }),
                   element("label", {}, "time axis", this.slider), this.zoomText);
  }

  // Level 0 has a line a frame; above it the axis is true, from all at once to 1 µs a pixel.
  zoom(level) {
    this.level = Math.max(0, Math.min(24, level));
    this.slider.value = String(this.level);
    const fit = (this.sequence.view.clientHeight - 40) / Math.max(this.picture.session.duration, 0.01);
    const scale = this.level ? fit * 1.6 ** (this.level - 1) : 0;
    this.zoomText.textContent = scale ? `${scale >= 1 ? scale.toFixed(1) : scale.toPrecision(2)} px/ms` : "a frame a line";
    this.sequence.zoom(Math.min(scale, 2e6 / Math.max(this.picture.session.duration, 0.01)));
  }

  nearest(time) {
    let best = -1;
    for (const index of this.sequence.shown) {
      if (this.picture.rows[index].t > time && best >= 0) break;
      best = index;
    }
    return best;
  }

  goto(time) {
    const index = this.nearest(time);
    if (index >= 0) this.sequence.choose(index);
  }

  follow(time) {
    this.fromPlayer = true;
    const index = this.nearest(time);
    if (index >= 0 && index !== this.sequence.chosen) this.sequence.choose(index);
    this.strip.at(time);
    this.fromPlayer = false;
  }

  // A place in the page, as in its address: `#row=12`, `#zoom=5`, `#time=20&tab=terminal`.
  visit(place) {
    if (!this.sequence) return;
    const wanted = new URLSearchParams(place);
    if (wanted.has("session")) this.show(Number(wanted.get("session")));
    if (wanted.has("zoom")) this.zoom(Number(wanted.get("zoom")) || 0);
    if (wanted.has("row")) this.sequence.choose(Number(wanted.get("row")));
    if (wanted.has("time") && this.player) this.player.seek(Number(wanted.get("time")) || 0);
    if (wanted.get("tab") === "terminal" && this.player) this.select(1);
  }

  key(event) {
    if (event.target.closest?.("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); this.search.focus(); }
    else if (event.key === "+") this.zoom(this.level + 1);
    else if (event.key === "-") this.zoom(this.level - 1);
    else if (event.key === " " && this.player && !event.target.closest?.("button")) { event.preventDefault(); this.select(1); if (this.player.playing) this.player.pause(); else this.player.play(); }
    else if (!event.target.closest?.(".rows")) this.sequence.key(event);
  }
}

if (typeof document !== "undefined" && document.getElementById("sessions")) {
  new Page(document.getElementById("page"), JSON.parse(document.getElementById("sessions").textContent))
    .visit(location.hash.slice(1));
}
if (typeof module !== "undefined") module.exports = { Page, Player, Strip, drawScreen, paletteColor };

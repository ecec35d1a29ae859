// The sequence diagram of one session, and what a click on it shows. Everything that was
// recorded reaches the page as text nodes: see `element`.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 24; // pixels
const NARROW = 15; // the same where the axis is true
const TIME = 66; // of the column of times
const DOTTED = new Set(["control", "conn"]);

// An element: attributes, then children; strings become text nodes, never markup.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function milliseconds(value) {
  if (value >= 100000) return `${(value / 1000).toFixed(1)} s`;
  if (value >= 10000) return `${(value / 1000).toFixed(2)} s`;
  return value.toFixed(2);
}

function bytesOf(text) {
  const data = atob(text);
  return Uint8Array.from(data, (character) => character.charCodeAt(0));
}

class Sequence {
  // `onchoose(index)` is called when a row is chosen, by hand or by `choose`.
  constructor(root, picture, onchoose) {
    this.picture = picture;
    this.rows = picture.rows;
    this.onchoose = onchoose;
    this.hidden = new Set(); // kinds
    this.words = "";
    this.scale = 0; // pixels a millisecond; 0: a row a line
    this.chosen = -1;
    this.same = new Set();
    this.drawn = new Map();
    this.root = root;
    this.heads = element("div", { class: "lanes", "aria-hidden": "true" });
    this.space = element("div", { class: "space" });
    this.view = element("div", { class: "rows", tabindex: "0", role: "listbox", "aria-label": "frames" }, this.space);
    root.replaceChildren(this.heads, this.view);
    this.view.addEventListener("scroll", () => this.draw());
    this.view.addEventListener("keydown", (event) => this.key(event));
    this.view.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new ResizeObserver(() => this.layout()).observe(this.view);
    this.layout();
  }

  filter(hidden, words) {
    this.hidden = hidden;
    this.words = words.toLowerCase();
    this.layout();
  }

  zoom(scale) {
    // what is in the middle stays there
    const middle = this.view.scrollTop + this.view.clientHeight / 2;
    const index = this.shown.length ? this.shown[this.find(middle)] : -1;
    this.scale = scale;
    this.layout();
    if (index >= 0) this.view.scrollTop = this.place.get(index) - this.view.clientHeight / 2;
    this.draw();
  }

  matches(row) {
    if (this.hidden.has(row.k)) return false;
    return !this.words || `${row.x} ${row.d} ${row.h} ${row.c}`.toLowerCase().includes(this.words);
  }

  layout() {
    const width = this.view.clientWidth || 800;
    const lanes = this.picture.lanes;
    const gap = Math.max(64, Math.min(120, (width * 0.46) / Math.max(1, lanes.length - 1)));
    this.xs = lanes.map((_, n) => 34 + n * gap);
    this.laneWidth = this.xs[this.xs.length - 1] + 34;
    this.heads.replaceChildren(element("span", { class: "ms" }, "ms"));
    lanes.forEach((lane, n) => {
      const name = element("span", {}, lane);
      name.style.left = `${TIME + this.xs[n]}px`;
      this.heads.append(name);
    });
    this.shown = [];
    this.place = new Map();
    this.tops = [];
    let y = 6;
    this.rows.forEach((row, index) => {
      if (!this.matches(row)) return;
      if (this.scale) y = Math.max(6 + row.t * this.scale, this.tops.length ? this.tops[this.tops.length - 1] + 5 : 6);
      this.shown.push(index);
      this.tops.push(y);
      this.place.set(index, y);
      if (!this.scale) y += ROW;
    });
    this.space.style.height = `${(this.scale ? y + 2 * ROW : y) + 12}px`;
    this.drawn.clear();
    this.view.classList.toggle("scaled", this.scale > 0);
    this.space.replaceChildren(...(this.scale ? this.lifelines() : []));
    this.draw();
  }

  lifelines() {
    return this.xs.map((x) => {
      const line = element("div", { class: "lifeline" });
      line.style.left = `${TIME + x}px`;
      return line;
    });
  }

  find(y) { // the last shown row that begins above y
    let low = 0, high = this.tops.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= y) low = middle; else high = middle - 1;
    }
    return low;
  }

  // Only what can be seen is in the document.
  draw() {
    if (!this.tops.length) {
      this.space.replaceChildren(element("p", { class: "quiet pane" }, "No frames here."));
      this.onview?.(0, 0);
      return;
    }
    const top = this.view.scrollTop - 200, bottom = this.view.scrollTop + this.view.clientHeight + 200;
    const from = this.find(top), to = Math.min(this.tops.length - 1, this.find(bottom));
    const wanted = new Set();
    for (let i = from; i <= to; i += 1) wanted.add(this.shown[i]);
    for (const [index, made] of this.drawn) if (!wanted.has(index)) { made.remove(); this.drawn.delete(index); }
    let before = -Infinity;
    for (let i = from; i <= to; i += 1) {
      const index = this.shown[i];
      const crowded = this.scale && this.tops[i] - before < NARROW - 1;
      if (!crowded) before = this.tops[i];
      if (!this.drawn.has(index)) {
        const made = this.row(index, this.tops[i], crowded);
        this.drawn.set(index, made);
        this.space.append(made);
      }
    }
    this.ticks();
    const first = this.rows[this.shown[this.find(this.view.scrollTop)]];
    const last = this.rows[this.shown[Math.min(this.tops.length - 1, this.find(this.view.scrollTop + this.view.clientHeight))]];
    this.onview?.(first.t, last.t);
  }

  ticks() {
    this.space.querySelectorAll(".axis").forEach((line) => line.remove());
    if (!this.scale) return;
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, 300000, 3600000]
      .find((each) => each * this.scale >= 70) || 36000000;
    const first = Math.max(0, Math.floor((this.view.scrollTop - 100) / this.scale / step));
    const last = Math.ceil((this.view.scrollTop + this.view.clientHeight + 100) / this.scale / step);
    for (let n = first; n <= last && n - first < 200; n += 1) {
      const line = element("div", { class: "axis" }, element("b", {}, milliseconds(n * step)));
      line.style.top = `${6 + n * step * this.scale + NARROW / 2}px`;
      this.space.prepend(line);
    }
  }

  row(index, top, crowded) {
    const row = this.rows[index];
    const made = element("div", { class: "row", role: "option", "data-index": index, id: `row-${index}`,
                                  title: `${row.h}, seen by ${row.v}`, onclick: () => this.choose(index) });
    made.style.top = `${top}px`;
    made.append(element("time", {}, crowded || this.scale ? "" : row.t.toFixed(2)), this.lanes(row));
    if (!crowded) {
      made.append(element("span", { class: `text ${row.k}` }, row.x), element("span", { class: "detail" }, row.d || ""),
                  ...(row.q || []).map((text) => element("span", { class: "note" }, `↳ ${text}`)));
    }
    this.mark(made, index);
    return made;
  }

  lanes(row) {
    const tall = this.scale ? NARROW : ROW;
    const svg = shape("svg", { width: this.laneWidth, height: tall, class: row.k });
    if (!this.scale) for (const x of this.xs) svg.append(shape("line", { x1: x, x2: x, y1: 0, y2: tall, class: "life" }));
    const from = this.xs[row.s], to = this.xs[row.e], y = tall / 2;
    if (from === to) {
      svg.append(shape("circle", { cx: from, cy: y, r: 4, class: "point" }));
      return svg;
    }
    const sign = to > from ? 1 : -1;
    svg.append(shape("line", { x1: from, x2: to - sign * 7, y1: y, y2: y, class: DOTTED.has(row.k) ? "shaft dotted" : "shaft" }));
    svg.append(shape("path", { d: `M${to - sign},${y} l${-sign * 8},-4.5 v9 z`, class: "point" }));
    svg.append(shape("circle", { cx: from, cy: y, r: 2.2, class: "point" }));
    return svg;
  }

  mark(made, index) {
    made.classList.toggle("chosen", index === this.chosen);
    made.classList.toggle("same", index !== this.chosen && this.same.has(index));
    made.setAttribute("aria-selected", String(index === this.chosen));
  }

  choose(index, { scroll = true } = {}) {
    if (index < 0 || index >= this.rows.length) return;
    this.chosen = index;
    this.same = new Set(this.rows[index].o || []);
    for (const [other, made] of this.drawn) this.mark(made, other);
    if (scroll) this.reveal(index);
    this.view.setAttribute("aria-activedescendant", `row-${index}`);
    this.onchoose(index);
  }

  reveal(index) {
    const y = this.place.get(index);
    if (y === undefined) return;
    const { scrollTop, clientHeight } = this.view;
    if (y < scrollTop + ROW || y > scrollTop + clientHeight - 2 * ROW) this.view.scrollTop = y - clientHeight / 2;
    this.draw();
  }

  key(event) {
    const at = this.shown.indexOf(this.chosen);
    const page = Math.max(1, Math.floor(this.view.clientHeight / ROW) - 1);
    const to = { ArrowDown: at + 1, j: at + 1, ArrowUp: Math.max(0, at - 1), k: Math.max(0, at - 1), PageDown: at + page,
                 PageUp: Math.max(0, at - page), Home: 0, End: this.shown.length - 1 }[event.key];
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.choose(this.shown[Math.min(to, this.shown.length - 1)] ?? -1);
  }

  wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.onzoom?.(event.deltaY < 0 ? 1 : -1);
  }
}

// What is known of one row: its layers, its bytes, and where else they went.
class Details {
  constructor(root, picture, go) {
    this.root = root;
    this.picture = picture;
    this.go = go;
    root.replaceChildren(
      element("p", { class: "quiet" }, "Click a frame, or walk with ↑ and ↓: its layers and bytes are shown here, and the same bytes on the other hops are marked."));
  }

  show(index) {
    const row = this.picture.rows[index];
    const lanes = this.picture.lanes;
    const way = row.s === row.e ? lanes[row.s] : `${lanes[row.s]} → ${lanes[row.e]}`;
    this.root.replaceChildren(
      element("h2", { class: row.k }, row.x),
      ...(row.q || []).map((text) => element("p", { class: "note" }, text)),
      element("p", { class: "quiet" }, `${way} · ${row.h} · at ${row.t.toFixed(3)} ms`),
      element("p", { class: "quiet" }, `${row.c}${row.v ? `, seen by ${row.v}` : ""}`));
    if (row.f) this.root.append(element("p", { class: "fault" }, `made by the fault ${row.f}`));
    this.path(index, row);
    this.bytes(row);
    this.root.append(element("h3", {}, row.p.length > 1 ? "Layers, from the lowest" : "Layer"), ...row.p.map((event) => this.layer(event)));
    this.root.scrollTop = 0;
  }

  path(index, row) {
    if (!row.o) return;
    const all = [...row.o, index].sort((a, b) => this.picture.rows[a].t - this.picture.rows[b].t);
    const [stream, start, end] = row.w;
    const first = this.picture.rows[all[0]].t;
    const list = element("ul", { class: "path" });
    for (const each of all) {
      const other = this.picture.rows[each];
      const lanes = `${this.picture.lanes[other.s]} → ${this.picture.lanes[other.e]}`;
      list.append(element("li", { class: `${other.k}${each === index ? " here" : ""}`, onclick: () => this.go(each) },
                          element("span", {}, lanes), element("time", {}, `+${(other.t - first).toFixed(3)} ms`)));
    }
    this.root.append(element("h3", {}, "The same bytes"),
                     element("p", { class: "quiet" }, `${stream.replace(/ (up|down)$/, "")}, bytes ${start} to ${end}`), list);
  }

  bytes(row) {
    if (row.b === undefined) return;
    const data = bytesOf(row.b);
    const size = row.n > data.length ? `${data.length} of ${row.n} bytes` : `${data.length} bytes`;
    this.root.append(element("h3", {}, `Bytes (${size})`), hexDump(data));
  }

  layer([layer, type, stream, channel, length, info]) {
    const facts = [];
    if (stream !== null) facts.push(["stream", String(stream)]);
    if (channel !== null) facts.push(["channel", String(channel)]);
    if (length) facts.push(["length", String(length)]);
    for (const [key, value] of Object.entries(info)) {
      if (key === "headers" && Array.isArray(value)) for (const pair of value) facts.push(pair.map(String));
      else facts.push([key, typeof value === "string" ? value : JSON.stringify(value, null, 1)]);
    }
    const table = element("table", {}, ...facts.map(([key, value]) => element("tr", {}, element("th", {}, key), element("td", {}, value ?? ""))));
    return element("div", { class: "layer" }, element("b", {}, `${layer} ${type}`), table);
  }
}

function hexDump(data, most = 4096) {
  const box = element("pre", { class: "hex", tabindex: "0" });
  for (let at = 0; at < Math.min(data.length, most); at += 16) {
    const line = data.subarray(at, at + 16);
    const hex = Array.from(line, (byte, n) => byte.toString(16).padStart(2, "0") + (n === 7 ? " " : "")).join(" ");
    const plain = Array.from(line, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    box.append(element("span", { class: "at" }, at.toString(16).padStart(6, "0")), `  ${hex.padEnd(49)} `, element("span", { class: "plain" }, plain), "\n");
  }
  if (data.length > most) box.append(`… ${data.length - most} bytes more\n`);
  return box;
}

if (typeof module !== "undefined") module.exports = { Sequence, Details, hexDump };

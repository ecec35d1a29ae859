// A terminal of the kind of xterm, as far as programs in a shell use it: text in, a
// screen of cells out. It draws nothing and runs nothing of what it is given.
//
// Sources: ECMA-48; xterm, "Control Sequences"; vt100.net on DEC's parser and on the
// wrap that waits at the last column.
"use strict";

const BLANK = Object.freeze({ fg: null, bg: null, bold: false, dim: false, italic: false,
                              underline: false, inverse: false, hidden: false, strike: false });

const DRAWING = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";

// Wide characters, and those without a width of their own (Unicode TR 11, shortened).
const WIDE = [[0x1100, 0x115f], [0x2e80, 0x303e], [0x3041, 0x33ff], [0x3400, 0x4dbf],
              [0x4e00, 0x9fff], [0xa000, 0xa4cf], [0xac00, 0xd7a3], [0xf900, 0xfaff],
              [0xfe30, 0xfe4f], [0xff00, 0xff60], [0xffe0, 0xffe6], [0x1f300, 0x1f64f],
              [0x1f900, 0x1f9ff], [0x20000, 0x3fffd]];

function widthOf(character) {
  const code = character.codePointAt(0);
  if (code < 0x300) return 1;
  if (/^\p{M}|^[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f]/u.test(character)) return 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

class Terminal {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.reset();
  }

  reset() {
    this.lines = this.emptyScreen();
    this.other = null; // the screen that the alternate one hides
    this.x = 0;
    this.y = 0;
    this.waits = false; // the next character wraps
    this.pen = BLANK;
    this.saved = null;
    this.top = 0;
    this.bottom = this.height - 1;
    this.modes = { wrap: true, cursor: true, insert: false, origin: false };
    this.drawing = { 0: false, 1: false };
    this.shifted = 0;
    this.rest = "";
    this.title = "";
    this.tabs = null;
    this.lastCharacter = " ";
  }

  emptyLine() {
    return Array.from({ length: this.width }, () => ({ text: " ", pen: BLANK }));
  }

  emptyScreen() {
    return Array.from({ length: this.height }, () => this.emptyLine());
  }

  resize(width, height) {
    const fit = (lines) => {
      for (const line of lines) {
        while (line.length < width) line.push({ text: " ", pen: BLANK });
        line.length = width;
      }
      // what does not fit goes away at the top, as long as the cursor is below
      while (lines.length > height) {
        if (lines === this.lines && this.y < lines.length - 1) lines.pop();
        else { lines.shift(); if (lines === this.lines) this.y -= 1; }
      }
    };
    this.width = width;
    fit(this.lines);
    if (this.other) fit(this.other.lines);
    this.height = height;
    while (this.lines.length < height) this.lines.push(this.emptyLine());
    if (this.other) while (this.other.lines.length < height) this.other.lines.push(this.emptyLine());
    this.top = 0;
    this.bottom = height - 1;
    this.move(this.x, this.y);
  }

  // Text of a line, without what is blank at its end.
  text(y) {
    return this.lines[y].map((cell) => cell.text).join("").replace(/ +$/, "");
  }

  write(text) {
    const data = this.rest + text;
    this.rest = "";
    let at = 0;
    while (at < data.length) {
      const code = data.codePointAt(at);
      if (code === 0x1b || code === 0x9b || code === 0x9d) {
        const size = this.sequence(data, at);
        if (size === 0) { // not complete: wait, but not for ever
          if (data.length - at < 65536) this.rest = data.slice(at);
          return;
        }
        at += size;
      } else {
        const character = String.fromCodePoint(code);
        if (code < 0x20 || code === 0x7f) this.control(code);
        else if (code >= 0x80 && code < 0xa0) { /* other C1 controls: nothing */ }
        else this.print(character);
        at += character.length;
      }
    }
  }

  control(code) {
    if (code === 8) this.move(this.x - 1, this.y);
    else if (code === 9) this.tab();
    else if (code === 10 || code === 11 || code === 12) this.lineFeed();
    else if (code === 13) this.move(0, this.y);
    else if (code === 14) this.shifted = 1;
    else if (code === 15) this.shifted = 0;
  }

  tab() {
    let x = this.x + 1;
    const isStop = (column) => this.tabs ? this.tabs.has(column) : column % 8 === 0;
    while (x < this.width - 1 && !isStop(x)) x += 1;
    this.move(x, this.y);
  }

  print(character) {
    let shown = character;
    if (this.drawing[this.shifted] && character >= "`" && character <= "~") {
      shown = DRAWING[character.charCodeAt(0) - 0x60];
    }
    const width = widthOf(shown);
    if (width === 0) return this.combine(shown);
    if (this.waits || (width === 2 && this.x === this.width - 1 && this.modes.wrap)) {
      this.waits = false;
      if (this.modes.wrap) { this.x = 0; this.lineFeed(); }
    }
    const line = this.lines[this.y];
    if (this.modes.insert) {
      for (let i = 0; i < width; i += 1) line.splice(this.x, 0, { text: " ", pen: this.pen });
      line.length = this.width;
    }
    line[this.x] = { text: shown, pen: this.pen };
    if (width === 2 && this.x + 1 < this.width) line[this.x + 1] = { text: "", pen: this.pen };
    this.lastCharacter = shown;
    if (this.x + width >= this.width) { this.x = this.width - 1; this.waits = true; }
    else this.x += width;
  }

  combine(mark) {
    const x = this.waits ? this.x : this.x - 1;
    const cell = x >= 0 ? this.lines[this.y][x] : null;
    if (cell && cell.text.length < 16) cell.text += mark;
  }

  move(x, y) {
    this.waits = false;
    this.x = Math.max(0, Math.min(this.width - 1, x));
    this.y = Math.max(0, Math.min(this.height - 1, y));
  }

  lineFeed() {
    this.waits = false;
    if (this.y === this.bottom) this.scroll(1);
    else if (this.y < this.height - 1) this.y += 1;
  }

  reverseLineFeed() {
    this.waits = false;
    if (this.y === this.top) this.scroll(-1);
    else if (this.y > 0) this.y -= 1;
  }

  scroll(count, top = this.top) {
    for (let i = 0; i < Math.min(Math.abs(count), this.height); i += 1) {
      const [from, to] = count > 0 ? [top, this.bottom] : [this.bottom, top];
      this.lines.splice(from, 1);
      this.lines.splice(to, 0, this.erasedLine());
    }
  }

  erased() { // cells are cleared in the colour of the background
    return { text: " ", pen: this.pen.bg === null ? BLANK : { ...BLANK, bg: this.pen.bg } };
  }

  erasedLine() {
    return Array.from({ length: this.width }, () => this.erased());
  }

  erase(y, from, to) {
    for (let x = Math.max(0, from); x < Math.min(to, this.width); x += 1) this.lines[y][x] = this.erased();
  }

  // One escape sequence at `at`; answers its length, 0 when it is not complete.
  sequence(data, at) {
    const first = data[at] === "\x1b" ? data[at + 1] : { "\x9b": "[", "\x9d": "]" }[data[at]];
    const begin = data[at] === "\x1b" ? at + 2 : at + 1;
    if (first === undefined) return 0;
    if (first === "[") {
      const found = /^([<=>?]?)([0-9:;]*)([ -/]*)([@-~])/.exec(data.slice(begin, begin + 4096));
      if (found) {
        this.csi(found[1], found[2], found[3], found[4]);
        return begin - at + found[0].length;
      }
      if (/^[<=>?]?[0-9:;]*[ -/]*$/.test(data.slice(begin, begin + 4096))) return data.length - begin >= 4096 ? 2 : 0;
      return begin - at; // not one of ours: what follows is text
    }
    if (first === "]" || "PX^_".includes(first)) {
      const end = /\x07|\x1b\\|\x9c/.exec(data.slice(begin));
      if (!end) return 0;
      if (first === "]") this.osc(data.slice(begin, begin + end.index));
      return begin - at + end.index + end[0].length;
    }
    if ("()*+-./# %".includes(first)) {
      const final = data[begin];
      if (final === undefined) return 0;
      if (first === "(") this.drawing[0] = final === "0";
      else if (first === ")") this.drawing[1] = final === "0";
      else if (first === "#" && final === "8") this.lines.forEach((line) => line.forEach((_, x) => { line[x] = { text: "E", pen: BLANK }; }));
      return begin - at + 1;
    }
    this.escape(first);
    return begin - at;
  }

  escape(name) {
    if (name === "7") this.save();
    else if (name === "8") this.restore();
    else if (name === "D") this.lineFeed();
    else if (name === "E") { this.x = 0; this.lineFeed(); }
    else if (name === "M") this.reverseLineFeed();
    else if (name === "H") { this.startTabs(); this.tabs.add(this.x); }
    else if (name === "c") this.reset();
  }

  osc(text) {
    const found = /^[02];(.*)$/s.exec(text);
    if (found) this.title = found[1].slice(0, 200);
  }

  save() {
    this.saved = { x: this.x, y: this.y, pen: this.pen, waits: this.waits,
                   origin: this.modes.origin, drawing: { ...this.drawing }, shifted: this.shifted };
  }

  restore() {
    const saved = this.saved || { x: 0, y: 0, pen: BLANK, waits: false, origin: false,
                                  drawing: { 0: false, 1: false }, shifted: 0 };
    this.move(saved.x, saved.y);
    this.waits = saved.waits;
    this.pen = saved.pen;
    this.modes.origin = saved.origin;
    this.drawing = { ...saved.drawing };
    this.shifted = saved.shifted;
  }

  startTabs() {
    if (!this.tabs) this.tabs = new Set(Array.from({ length: 512 }, (_, i) => i * 8));
  }

  csi(kind, words, between, name) {
    if (between === "!" && name === "p") return this.softReset();
    if (between) return;
    const numbers = words.split(/[;:]/).map((word) => Math.min(Number(word) || 0, 65535));
    if (kind === "?") { if (name === "h" || name === "l") numbers.forEach((n) => this.mode(n, name === "h")); return; }
    if (kind) return;
    if (name === "m") return this.style(words);
    const n = Math.max(1, numbers[0]);
    const low = this.y <= this.bottom ? this.bottom : this.height - 1;
    const high = this.y >= this.top ? this.top : 0;
    const base = this.modes.origin ? this.top : 0;
    switch (name) {
      case "A": this.move(this.x, Math.max(high, this.y - n)); break;
      case "B": case "e": this.move(this.x, Math.min(low, this.y + n)); break;
      case "C": case "a": this.move(this.x + n, this.y); break;
      case "D": this.move(this.x - n, this.y); break;
      case "E": this.move(0, Math.min(low, this.y + n)); break;
      case "F": this.move(0, Math.max(high, this.y - n)); break;
      case "G": case "`": this.move(n - 1, this.y); break;
      case "d": this.move(this.x, base + n - 1); break;
      case "H": case "f": this.move(Math.max(1, numbers[1] || 1) - 1, base + n - 1); break;
      case "I": for (let i = 0; i < Math.min(n, this.width); i += 1) this.tab(); break;
      case "Z": this.backTab(n); break;
      case "J": this.eraseScreen(numbers[0]); break;
      case "K": this.eraseLine(numbers[0]); break;
      case "L": if (this.y >= this.top && this.y <= this.bottom) { this.scroll(-n, this.y); this.x = 0; } break;
      case "M": if (this.y >= this.top && this.y <= this.bottom) { this.scroll(n, this.y); this.x = 0; } break;
      case "P": this.deleteCells(n); break;
      case "@": this.insertCells(n); break;
      case "X": this.erase(this.y, this.x, this.x + n); break;
      case "S": this.scroll(n); break;
      case "T": if (numbers.length < 2) this.scroll(-n); break;
      case "b": for (let i = 0; i < Math.min(n, 4096); i += 1) this.print(this.lastCharacter); break;
      case "g": this.startTabs(); if (numbers[0] === 3) this.tabs.clear(); else this.tabs.delete(this.x); break;
      case "h": case "l": if (numbers.includes(4)) this.modes.insert = name === "h"; break;
      case "r": this.region(n - 1, (numbers[1] || this.height) - 1); break;
      case "s": this.save(); break;
      case "u": this.restore(); break;
      default: break;
    }
  }

  backTab(count) {
    let x = this.x;
    const isStop = (column) => this.tabs ? this.tabs.has(column) : column % 8 === 0;
    for (let i = 0; i < Math.min(count, this.width); i += 1) {
      do x -= 1; while (x > 0 && !isStop(x));
    }
    this.move(x, this.y);
  }

  region(top, bottom) {
    if (top >= bottom || bottom >= this.height) return;
    this.top = top;
    this.bottom = bottom;
    this.move(0, this.modes.origin ? top : 0);
  }

  eraseScreen(how) {
    this.waits = false;
    if (how === 0) { this.eraseLine(0); for (let y = this.y + 1; y < this.height; y += 1) this.erase(y, 0, this.width); }
    else if (how === 1) { this.eraseLine(1); for (let y = 0; y < this.y; y += 1) this.erase(y, 0, this.width); }
    else if (how === 2) for (let y = 0; y < this.height; y += 1) this.erase(y, 0, this.width);
  }

  eraseLine(how) {
    this.waits = false;
    if (how === 0) this.erase(this.y, this.x, this.width);
    else if (how === 1) this.erase(this.y, 0, this.x + 1);
    else if (how === 2) this.erase(this.y, 0, this.width);
  }

  deleteCells(count) {
    const line = this.lines[this.y];
    line.splice(this.x, Math.min(count, this.width - this.x));
    while (line.length < this.width) line.push(this.erased());
  }

  insertCells(count) {
    const line = this.lines[this.y];
    for (let i = 0; i < Math.min(count, this.width); i += 1) line.splice(this.x, 0, this.erased());
    line.length = this.width;
  }

  softReset() {
    this.modes = { wrap: true, cursor: true, insert: false, origin: false };
    this.pen = BLANK;
    this.top = 0;
    this.bottom = this.height - 1;
    this.drawing = { 0: false, 1: false };
    this.shifted = 0;
  }

  mode(number, on) {
    if (number === 7) this.modes.wrap = on;
    else if (number === 6) { this.modes.origin = on; this.move(0, on ? this.top : 0); }
    else if (number === 25) this.modes.cursor = on;
    else if (number === 47 || number === 1047) this.alternate(on);
    else if (number === 1048) { if (on) this.save(); else this.restore(); }
    else if (number === 1049) {
      if (on) this.save();
      this.alternate(on);
      if (!on) this.restore();
    }
  }

  alternate(on) {
    if (on && !this.other) {
      this.other = { lines: this.lines };
      this.lines = this.emptyScreen();
    } else if (!on && this.other) {
      this.lines = this.other.lines;
      this.other = null;
    }
  }

  style(words) {
    const pen = { ...this.pen };
    const parts = words.split(";").map((part) => part.split(":").map((word) => Number(word) || 0));
    for (let i = 0; i < parts.length; i += 1) {
      const [n, ...sub] = parts[i];
      if (n === 0) Object.assign(pen, BLANK);
      else if (n === 1) pen.bold = true;
      else if (n === 2) pen.dim = true;
      else if (n === 3) pen.italic = true;
      else if (n === 4) pen.underline = sub.length === 0 || sub[0] > 0;
      else if (n === 7) pen.inverse = true;
      else if (n === 8) pen.hidden = true;
      else if (n === 9) pen.strike = true;
      else if (n === 21) pen.underline = true;
      else if (n === 22) { pen.bold = false; pen.dim = false; }
      else if (n === 23) pen.italic = false;
      else if (n === 24) pen.underline = false;
      else if (n === 27) pen.inverse = false;
      else if (n === 28) pen.hidden = false;
      else if (n === 29) pen.strike = false;
      else if (n >= 30 && n <= 37) pen.fg = n - 30;
      else if (n === 39) pen.fg = null;
      else if (n >= 40 && n <= 47) pen.bg = n - 40;
      else if (n === 49) pen.bg = null;
      else if (n >= 90 && n <= 97) pen.fg = n - 82;
      else if (n >= 100 && n <= 107) pen.bg = n - 92;
      else if (n === 38 || n === 48) {
        const [color, used] = sub.length ? Terminal.subColor(sub) : Terminal.color(parts.slice(i + 1).map((p) => p[0]));
        i += used;
        if (color !== undefined) pen[n === 38 ? "fg" : "bg"] = color;
      }
    }
    this.pen = pen;
  }

  // A colour behind 38 or 48: a number of the palette, or "rgb(...)"; and what it took.
  static color(words) {
    const byte = (n) => Math.max(0, Math.min(255, n || 0));
    if (words[0] === 5) return [words.length > 1 ? byte(words[1]) : undefined, 2];
    if (words[0] === 2) return [`rgb(${byte(words[1])}, ${byte(words[2])}, ${byte(words[3])})`, 4];
    return [undefined, 0];
  }

  static subColor(words) { // with colons there may be an empty place for the colour space
    const plain = words[0] === 2 && words.length >= 5 ? [2, ...words.slice(-3)] : words;
    return [Terminal.color(plain)[0], 0];
  }
}

if (typeof module !== "undefined") module.exports = { Terminal, widthOf };

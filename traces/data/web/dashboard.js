// The list of live sessions beside the page of one of them. Reads only: the two things
// it says to the server are which session is looked at, and a filter.
"use strict";

class Dashboard {
  constructor() {
    this.rows = new Map(); // id -> what the server said of it
    this.lines = new Map(); // id -> its element
    this.watched = "";
    this.page = null;
    this.filter = element("input", { type: "search", placeholder: "verb=exec and length>1k", "aria-label": "filter",
                                     oninput: () => this.say({ filter: this.filter.value }) });
    this.problem = element("p", { class: "problem", role: "status" });
    this.news = element("p", { class: "news", role: "status" });
    this.list = element("ol", { class: "sessions", "aria-label": "sessions" });
    document.getElementById("page").replaceChildren(
      element("p", { class: "hint" }, "Sessions appear on the left as they begin: run kubectl exec, and choose one."));
    document.getElementById("sessions-list").replaceChildren(
      element("h1", {}, "mini-kube"), this.filter, this.problem, this.list, this.news);
    window.addEventListener("hashchange", () => this.watch(this.wanted()));
    this.connect();
  }

  wanted() { return new URLSearchParams(location.hash.slice(1)).get("session") || ""; }

  connect() {
    this.socket = new WebSocket(`ws://${location.host}/events`);
    this.socket.onopen = () => {
      this.news.textContent = "live";
      this.rows.clear(); this.lines.clear(); this.list.replaceChildren();
      if (this.filter.value) this.say({ filter: this.filter.value });
      this.watch(this.wanted() || this.watched);
    };
    this.socket.onmessage = (message) => this.hear(JSON.parse(message.data));
    this.socket.onclose = () => {
      this.news.textContent = "the dashboard is not there; trying again …";
      setTimeout(() => this.connect(), 1000);
    };
  }

  say(message) { if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message)); }

  hear(message) {
    if (message.news) this.news.textContent = message.news;
    if (message.filter !== undefined) this.problem.textContent = message.filter;
    for (const id of message.gone || []) this.remove(id);
    for (const row of message.sessions || []) this.show(row);
    if (message.watched === this.watched) {
      if (message.picture) this.draw(message.picture);
      if (message.reasons) this.explain(message.reasons);
    }
    document.body.dataset.sessions = String(this.rows.size);
  }

  show(row) {
    const faults = row.faults.length ? element("span", { class: "fault" }, ` ⚡ ${row.faults.join(", ")}`) : null;
    const state = row.open ? "open" : row.exit === 0 || /^(2|closed)/.test(row.status) ? "good" : "bad";
    const line = element("li", {},
      element("a", { href: `#session=${encodeURIComponent(row.id)}`, "aria-current": row.id === this.watched ? "true" : null },
        element("b", {}, row.verb || "–"), ` ${row.target}`, element("code", {}, row.command),
        element("span", { class: `status ${state}` }, row.status || "–"), faults,
        element("small", {}, `${new Date(row.started * 1000).toLocaleTimeString()} · ${row.time} · ${row.down} down · ${row.client}`)));
    const before = this.lines.get(row.id);
    if (before) before.replaceWith(line);
    else this.list.prepend(line);
    this.rows.set(row.id, row);
    this.lines.set(row.id, line);
  }

  remove(id) {
    this.lines.get(id)?.remove();
    this.lines.delete(id);
    this.rows.delete(id);
  }

  watch(id) {
    if (id !== this.watched) {
      this.picture = null;
      document.getElementById("reasons").replaceChildren();
    }
    this.watched = id;
    for (const [other, line] of this.lines) {
      const link = line.querySelector("a");
      if (other === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    this.say({ watch: id || null });
  }

  // A picture that grew is drawn anew: the frame that was chosen stays so, and the view
  // stays where it was, or at the end. What is being played is not disturbed.
  draw(picture) {
    if (this.picture && this.page?.player?.playing) return;
    const before = this.picture && this.page ? this.page.sequence : null;
    const top = before ? before.view.scrollTop : 0;
    const atEnd = before && top > 0 && top + before.view.clientHeight >= before.view.scrollHeight - 4;
    const chosen = before ? before.chosen : -1;
    this.picture = picture;
    if (this.page === null) this.page = new Page(document.getElementById("page"), [picture]);
    else { this.page.pictures = [picture]; this.page.show(0); }
    const { sequence } = this.page;
    if (chosen >= 0 && chosen < picture.rows.length) sequence.choose(chosen);
    sequence.view.scrollTop = atEnd ? sequence.view.scrollHeight : top;
    document.body.dataset.rows = String(picture.rows.length);
  }

  explain(reasons) {
    document.getElementById("reasons").replaceChildren(...reasons.map((reason) =>
      element("li", { class: reason.kind, onclick: () => this.page?.goto(reason.t) },
        element("b", {}, reason.rule), element("time", {}, ` ${milliseconds(reason.t)} ms `), reason.text)));
  }
}

new Dashboard();

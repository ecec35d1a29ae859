// A client for `mini-kube serve`: as much of it as tests need, on fetch alone.

export class MiniKube {
  #url;
  #token;
  #path;

  constructor(env = process.env) {
    this.#url = env.MINI_KUBE_URL;
    this.#token = env.MINI_KUBE_TOKEN;
    if (!this.#url || !this.#token) {
      throw new Error("run the tests with: mini-kube serve -- node --test");
    }
  }

  // Start a cluster; `settings` as in POST /v1/clusters.
  async start(settings = {}) {
    const { id } = await this.#ask("POST", "/v1/clusters", settings);
    this.#path = `/v1/clusters/${id}`;
    return this;
  }

  stop() {
    return this.#ask("DELETE", this.#path);
  }

  // All as it was at the start.
  reset() {
    return this.#ask("POST", `${this.#path}/reset`);
  }

  // A KubeConfig of @kubernetes/client-node.
  async kubeConfig(k8s) {
    const config = new k8s.KubeConfig();
    config.loadFromString(await this.#ask("GET", `${this.#path}/kubeconfig`));
    return config;
  }

  // Create a pod, and wait until it is Ready.
  pod(pod) {
    return this.#ask("POST", `${this.#path}/pods`, pod);
  }

  fault(fault) {
    return this.#ask("POST", `${this.#path}/faults`, fault);
  }

  async faults() {
    return (await this.#ask("GET", `${this.#path}/faults`)).items;
  }

  advance(duration) {
    return this.#ask("POST", `${this.#path}/clock`, { advance: duration });
  }

  // The sessions so far; with `count`, once so many are over.
  async sessions(wanted = {}) {
    const query = new URLSearchParams(wanted);
    return (await this.#ask("GET", `${this.#path}/sessions?${query}`)).items;
  }

  async #ask(method, path, body) {
    const answer = await fetch(this.#url + path, {
      method,
      headers: { Authorization: `Bearer ${this.#token}` },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    }
    const isJson = answer.headers.get("content-type")?.startsWith("application/json");
    return isJson ? JSON.parse(text) : text;
  }
}

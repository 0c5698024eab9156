// SPDX-License-Identifier: LGPL-2.1-or-later
// What the server does until it can edit, in its own words and with a bar: GET /health says so.
const EVERY = 1000;  // milliseconds

export class Loading {
  #text;
  #bar;
  #timer = null;
  #round = 0;

  // `text`: where the words go; `bar`: a <progress>.
  constructor(text, bar) {
    this.#text = text;
    this.#bar = bar;
  }

  // Shows it until the server edits; then calls `ready`.
  follow(ready = () => {}) {
    this.stop();
    this.#look(this.#round, ready);
  }

  stop() {
    ++this.#round;
    clearTimeout(this.#timer);
    this.#bar.hidden = true;
  }

  async #look(round, ready) {
    const health = await fetch('/health').then(answer => answer.json()).catch(() => null);
    if (round !== this.#round) return;
    if (health?.model_loaded) {
      this.stop();
      ready();
      return;
    }
    if (health) this.#show(health);
    this.#timer = setTimeout(() => this.#look(round, ready), EVERY);
  }

  // Without a share the bar says only that something goes on.
  #show({detail, progress}) {
    if (detail && this.#text.textContent !== detail) this.#text.textContent = detail;
    if (typeof progress === 'number') this.#bar.value = progress;
    else this.#bar.removeAttribute('value');
    this.#bar.hidden = false;
  }
}

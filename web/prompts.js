// SPDX-License-Identifier: LGPL-2.1-or-later
// The prompt box: what was asked before (arrow up and down, and chips), and suggestions.
const SUGGESTIONS = ['watercolor painting', 'pencil sketch', 'oil painting', 'cartoon', 'pop art', 'mosaic', 'cyberpunk', 'golden autumn'];
const KEY = 'liveedit-prompts', KEPT = 20, CHIPS = 8;
const WHILE_TYPING = 400;  // milliseconds

export class Prompts {
  #input;
  #chips;
  #changed;
  #history;
  #at = -1;
  #timer = null;

  // `changed`: called with a prompt that shall be used.
  constructor(form, input, chips, changed) {
    this.#input = input;
    this.#chips = chips;
    this.#changed = changed;
    this.#history = this.#load();
    form.addEventListener('submit', event => {
      event.preventDefault();
      this.use(input.value);
    });
    input.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => changed(input.value), WHILE_TYPING);
    });
    input.addEventListener('keydown', event => this.#walk(event));
    this.#show();
  }

  use(text) {
    clearTimeout(this.#timer);
    this.#input.value = text;
    this.#at = -1;
    const known = text.trim();
    if (known) {
      this.#history = [known, ...this.#history.filter(old => old !== known)].slice(0, KEPT);
      try {
        localStorage.setItem(KEY, JSON.stringify(this.#history));
      } catch {
        // A private window: the history lasts as long as the page.
      }
    }
    this.#show();
    this.#changed(text);
  }

  #load() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? '[]');
      return Array.isArray(kept) ? kept.filter(text => typeof text === 'string').slice(0, KEPT) : [];
    } catch {
      return [];
    }
  }

  #walk(event) {
    const step = {ArrowUp: 1, ArrowDown: -1}[event.key];
    if (!step || !this.#history.length) return;
    event.preventDefault();
    this.#at = Math.max(0, Math.min(this.#history.length - 1, this.#at + step));
    this.#input.value = this.#history[this.#at];
    this.#changed(this.#input.value);
  }

  // The last ones asked for, then suggestions.
  #show() {
    const texts = [...new Set([...this.#history.slice(0, 3), ...SUGGESTIONS])].slice(0, CHIPS);
    this.#chips.replaceChildren(...texts.map(text => {
      const chip = Object.assign(document.createElement('button'), {type: 'button', textContent: text.length > 32 ? `${text.slice(0, 31)}…` : text, title: text});
      chip.addEventListener('click', () => this.use(text));
      return chip;
    }));
  }
}

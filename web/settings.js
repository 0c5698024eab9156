// SPDX-License-Identifier: LGPL-2.1-or-later
// A form made from what GET /api/settings tells about the parameters: a new one needs no code here.
const SOON = 120;  // milliseconds: a slider is not a flood

export class SettingsForm {
  #form;
  #told;
  #properties = {};
  #changed = new Map();  // what the person has set; the rest is left to the server
  #timer = null;

  // `told`: called after a change.
  constructor(form, told) {
    this.#form = form;
    this.#told = told;
    form.addEventListener('submit', event => event.preventDefault());
  }

  values() {
    return Object.fromEntries([...this.#changed].filter(([key]) => key in this.#properties));
  }

  // `properties`: of input_params.properties, those that have no place of their own on the page. What has been changed stays so.
  show(properties) {
    this.#properties = properties;
    this.#form.replaceChildren(...Object.entries(properties).filter(([, about]) => !about.hide).map(([key, about]) => this.#field(key, about)));
  }

  // What had been changed is told as it was at first.
  reset() {
    const keys = Object.keys(this.values());
    this.#changed.clear();
    this.show(this.#properties);
    for (const key of keys) this.#changed.set(key, this.#properties[key].default);
    this.#told();
  }

  #field(key, about) {
    const place = document.createElement('div');
    const head = Object.assign(document.createElement('div'), {className: 'head'});
    const label = document.createElement('label');
    const input = this.#input(about);
    const value = Object.assign(document.createElement('span'), {className: 'value'});
    input.id = label.htmlFor = `setting-${key}`;
    label.textContent = about.title;
    // A default outside the range means: whatever the model was made for.
    const own = about.default < about.min || about.default > about.max;
    const show = asMade => {
      const number = Number(Number(asMade ? about.default : input.value).toFixed(3));
      value.textContent = asMade && own ? 'the model\'s own' : input.type !== 'range' ? '' : asMade ? `${number} (default)` : String(number);
      input.classList.toggle('own', asMade && input.type === 'range');
    };
    if (own && input.type === 'range') input.value = (about.min + about.max) / 2;
    if (own && input.type === 'number') input.value = '';
    const untouched = (this.#changed.get(key) ?? about.default) === about.default;
    if (!untouched) input[about.field === 'checkbox' ? 'checked' : 'value'] = this.#changed.get(key);
    input.addEventListener('input', () => {
      if (!input.checkValidity()) return;
      this.#changed.set(key, this.#value(input, about));
      show(false);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(this.#told, SOON);
    });
    show(untouched);
    const help = Object.assign(document.createElement('p'), {id: `${input.id}-about`, textContent: about.description ?? ''});
    input.setAttribute('aria-describedby', help.id);
    head.append(label, about.field === 'checkbox' ? input : value);
    place.append(head, ...(about.field === 'checkbox' ? [] : [input]), help);
    return place;
  }

  #input(about) {
    if (about.field === 'select') {
      const select = document.createElement('select');
      for (const value of about.values) select.add(new Option(value, value, false, value === about.default));
      return select;
    }
    if (about.field === 'textarea') {
      return Object.assign(document.createElement('textarea'), {rows: 2, value: about.default});
    }
    const input = document.createElement('input');
    if (about.field === 'checkbox') {
      return Object.assign(input, {type: 'checkbox', checked: about.default});
    }
    if (about.type === 'string') {
      return Object.assign(input, {type: 'text', value: about.default});
    }
    return Object.assign(input, {type: about.field === 'range' ? 'range' : 'number', min: about.min, max: about.max, step: about.step, value: about.default});
  }

  #value(input, about) {
    if (about.field === 'checkbox') return input.checked;
    return about.type === 'string' ? input.value : Number(input.value);
  }
}

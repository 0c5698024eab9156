// SPDX-License-Identifier: LGPL-2.1-or-later
// A picture that what is seen shall come closer to: POST /api/ip_ref_image, and how much of it: the setting blend_ratio.
import {ask} from './access.js';

export const BLEND = 'blend_ratio';
const LONGEST_SIDE = 1024, QUALITY = 0.9;  // of what is sent

async function small(file) {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) throw new Error('This file is no picture that the browser can show.');
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext('2d');
  context.fillStyle = '#fff';  // a JPEG has no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise(done => canvas.toBlob(done, 'image/jpeg', QUALITY));
}

export class Reference {
  #elements;
  #user;
  #told;
  #picture = null;  // a Blob
  #live = false;
  #blend = null;    // what the person has set

  // `elements`: place, file, drop, wish, preview, clear, amount, blend, value, note. `told`: called when the blend has changed.
  constructor(elements, user, told) {
    this.#elements = elements;
    this.#user = user;
    this.#told = told;
    elements.file.addEventListener('change', () => {
      const [file] = elements.file.files;
      elements.file.value = '';
      if (file) this.#choose(file);
    });
    elements.clear.addEventListener('click', () => this.#clear());
    elements.blend.addEventListener('input', () => {
      this.#blend = Number(elements.blend.value);
      this.#showBlend();
      told();
    });
    for (const type of ['dragenter', 'dragover', 'dragleave', 'drop']) elements.drop.addEventListener(type, event => this.#drag(event));
  }

  // `about`: the setting's description; undefined: the server has no such thing.
  show(about) {
    this.#elements.place.hidden = !about;
    if (about && this.#blend === null) this.#elements.blend.value = about.default;
    this.#showBlend();
  }

  values() {
    return this.#blend === null ? {} : {[BLEND]: this.#blend};
  }

  // The server has a session of this user now, which may be a new one; false: it has none any more.
  setLive(live) {
    this.#live = live;
    if (live && this.#picture) this.#send();
  }

  #drag(event) {
    event.preventDefault();
    this.#elements.drop.classList.toggle('over', event.type === 'dragenter' || event.type === 'dragover');
    const file = event.type === 'drop' ? event.dataTransfer.files[0] : null;
    if (file) this.#choose(file);
  }

  async #choose(file) {
    try {
      this.#picture = await small(file);
    } catch (error) {
      return this.#say(error.message, true);
    }
    this.#preview();
    this.#say(this.#live ? '' : 'It is used as soon as you start.');
    if (this.#live) this.#send();
  }

  async #clear() {
    this.#picture = null;
    this.#preview();
    this.#say('');
    this.#elements.file.focus();
    if (this.#live) await this.#post('/clear');
  }

  async #send() {
    const body = new FormData();
    body.append('file', this.#picture, 'reference.jpg');
    await this.#post('', body);
  }

  async #post(action, body) {
    const answer = await ask(`/api/ip_ref_image${action}?user=${this.#user}`, {method: 'POST', body}).catch(() => null);
    const {status, message, detail} = await answer?.json().catch(() => null) ?? {};
    if (!answer?.ok || status === 'error') this.#say(message ?? detail ?? 'The reference picture could not be used.', true);
    else this.#say(status === 'warning' ? message : '');
  }

  #preview() {
    const {preview, clear, amount, wish} = this.#elements;
    URL.revokeObjectURL(preview.src);
    if (this.#picture) preview.src = URL.createObjectURL(this.#picture);
    else preview.removeAttribute('src');
    preview.hidden = clear.hidden = amount.hidden = !this.#picture;
    wish.textContent = this.#picture ? 'Another picture' : 'Choose or drop a picture';
  }

  #showBlend() {
    const percent = `${Math.round(100 * this.#elements.blend.value)} %`;
    this.#elements.value.textContent = percent;
    this.#elements.blend.setAttribute('aria-valuetext', percent);
  }

  #say(text, bad = false) {
    this.#elements.note.textContent = text;
    this.#elements.note.classList.toggle('bad', bad);
  }
}

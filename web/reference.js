// SPDX-License-Identifier: LGPL-2.1-or-later
// A picture that steers the edit, where the model can be steered so: POST /api/ip_ref_image.
export class Reference {
  #place;
  #problem;

  constructor(place, problem) {
    this.#place = place;
    this.#problem = problem;
    const file = place.querySelector('#reference-file'), blend = place.querySelector('#reference-blend');
    const send = () => { if (file.files[0]) this.#post('/api/ip_ref_image', {file: file.files[0], scale: blend.value}); };
    file.addEventListener('change', send);
    blend.addEventListener('change', send);
    place.querySelector('#reference-clear').addEventListener('click', () => {
      file.value = '';
      this.#post('/api/ip_ref_image/clear', {});
    });
  }

  show(possible) {
    this.#place.hidden = !possible;
  }

  async #post(address, fields) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    const answer = await fetch(address, {method: 'POST', body}).catch(() => null);
    if (!answer?.ok) this.#problem((await answer?.json().catch(() => null))?.message ?? 'The reference picture could not be used.');
  }
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// From the microphone to words: what is said while a button is held, or sentence by sentence. POST /api/stt understands it.
import {ask} from './access.js';
import {CHUNK, RATE} from './microphone.js';

const BEFORE = 10;                // chunks kept from before a sentence is noticed
const QUIET = 22;                 // chunks of quiet that end a sentence: 0.7 s
const AFTER = 0.2;                // seconds kept after the button is let go: what was said is still on its way
const LONGEST = 470;              // chunks: 15 s
const LEAST = 10;                 // chunks that are a sentence
const LEAST_LEVEL = 0.01, ABOVE_NOISE = 3;

function wav(chunks) {
  const samples = chunks.length * CHUNK;
  const view = new DataView(new ArrayBuffer(44 + 2 * samples));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, 'RIFF'); view.setUint32(4, 36 + 2 * samples, true); text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true); view.setUint32(28, 2 * RATE, true); view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  text(36, 'data'); view.setUint32(40, 2 * samples, true);
  let at = 44;
  for (const chunk of chunks) {
    for (const value of chunk) {
      view.setInt16(at, Math.max(-1, Math.min(1, value)) * 0x7fff, true);
      at += 2;
    }
  }
  return new Blob([view], {type: 'audio/wav'});
}

export class Speech {
  #microphone;
  #events;
  #held = null;   // chunks while the button is held, and shortly after
  #until = 0;     // the microphone's time of the last that belongs to it; Infinity: the button is held
  #listening = false;
  #heard = [];    // chunks of a sentence, and from before it
  #speaking = false;
  #quiet = 0;
  #noise = LEAST_LEVEL / 2;

  // events: heard(text), nothing(why), problem(text), busy(boolean)
  constructor(microphone, events) {
    this.#microphone = microphone;
    this.#events = events;
  }

  async hold() {
    if (this.#held) this.#finishHolding();
    this.#held = [];
    this.#until = Infinity;
    try {
      await this.#microphone.use('hold');
    } catch (error) {
      this.#held = null;
      this.#until = 0;
      throw error;
    }
  }

  release() {
    if (this.#until !== Infinity) return;
    this.#until = this.#microphone.time + AFTER;
    // Let go before there was a microphone; a person was asked, perhaps.
    if (this.#microphone.state !== 'on') this.#finishHolding();
  }

  async listen(on) {
    this.#listening = on;
    this.#speaking = false;
    this.#heard = [];
    if (on) await this.#microphone.use('listen');
    else this.#microphone.release('listen');
  }

  // A chunk of the microphone's sound, and when it ended by the microphone's time: it may come late.
  take(chunk, at) {
    if (this.#held) {
      if (this.#held.length < LONGEST) this.#held.push(chunk);
      if (at >= this.#until) this.#finishHolding();
    } else if (this.#listening) {
      this.#takeSentence(chunk);
    }
  }

  #finishHolding() {
    const chunks = this.#held;
    this.#held = null;
    this.#until = 0;
    this.#microphone.release('hold');
    if (chunks.length < LEAST) this.#events.nothing('Hold the button while you speak.');
    else this.#understand(chunks, () => this.#events.nothing('Nothing was understood.'));
  }

  #takeSentence(chunk) {
    const level = Math.sqrt(chunk.reduce((sum, value) => sum + value * value, 0) / chunk.length);
    const loud = level > Math.max(LEAST_LEVEL, ABOVE_NOISE * this.#noise);
    if (!loud) this.#noise += 0.05 * (level - this.#noise);
    this.#heard.push(chunk);
    if (!this.#speaking) {
      if (this.#heard.length > BEFORE) this.#heard.shift();
      this.#speaking = loud;
      this.#quiet = 0;
      return;
    }
    this.#quiet = loud ? 0 : this.#quiet + 1;
    if (this.#quiet < QUIET && this.#heard.length < LONGEST) return;
    this.#speaking = false;
    this.#understand(this.#heard, () => {});
    this.#heard = [];
  }

  async #understand(chunks, nothing) {
    this.#events.busy(true);
    try {
      const answer = await ask('/api/stt', {method: 'POST', headers: {'Content-Type': 'audio/wav'}, body: wav(chunks)});
      const body = await answer.json();
      if (!answer.ok) this.#events.problem(body.detail ?? 'The server could not listen.');
      else if (body.text.trim()) this.#events.heard(body.text.trim());
      else nothing();
    } catch {
      this.#events.problem('The server could not be reached.');
    } finally {
      this.#events.busy(false);
    }
  }
}

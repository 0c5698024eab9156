// SPDX-License-Identifier: LGPL-2.1-or-later
// From the microphone to words: what is said while a button is held, or sentence by sentence. POST /api/stt understands it.
const RATE = 16000, CHUNK = 512;  // samples
const BEFORE = 10;                // chunks kept from before a sentence is noticed
const QUIET = 22;                 // chunks of quiet that end a sentence: 0.7 s
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
  #events;
  #context = null;
  #stream = null;
  #starting = null;
  #chunks = [];
  #holding = false;
  #listening = false;
  #speaking = false;
  #quiet = 0;
  #noise = LEAST_LEVEL / 2;

  // events: heard(text), problem(text), busy(boolean)
  constructor(events) {
    this.#events = events;
  }

  async hold() {
    this.#holding = true;
    this.#chunks = [];
    await this.#start();
  }

  release() {
    if (!this.#holding) return;
    this.#holding = false;
    this.#finish();
    if (!this.#listening) this.#stop();
  }

  async listen(on) {
    this.#listening = on;
    this.#speaking = false;
    this.#chunks = [];
    if (on) await this.#start();
    else if (!this.#holding) this.#stop();
  }

  async #start() {
    this.#starting ??= this.#open();
    try {
      await this.#starting;
    } catch (error) {
      this.#starting = null;
      this.#holding = this.#listening = false;
      throw error;
    }
  }

  async #open() {
    if (!navigator.mediaDevices) throw new Error('browsers give microphones to https pages and to this machine\'s own only');
    this.#stream = await navigator.mediaDevices.getUserMedia({audio: {channelCount: 1, echoCancellation: true, noiseSuppression: true}});
    this.#context = new AudioContext({sampleRate: RATE});
    await this.#context.audioWorklet.addModule('/microphone.js');
    const node = new AudioWorkletNode(this.#context, 'microphone', {processorOptions: {chunk: CHUNK}, numberOfOutputs: 0});
    node.port.onmessage = event => this.#take(event.data);
    this.#context.createMediaStreamSource(this.#stream).connect(node);
  }

  #stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#context?.close();
    this.#context = this.#stream = this.#starting = null;
  }

  #take(chunk) {
    if (this.#holding) {
      if (this.#chunks.length < LONGEST) this.#chunks.push(chunk);
      return;
    }
    if (!this.#listening) return;
    const level = Math.sqrt(chunk.reduce((sum, value) => sum + value * value, 0) / chunk.length);
    const loud = level > Math.max(LEAST_LEVEL, ABOVE_NOISE * this.#noise);
    if (!loud) this.#noise += 0.05 * (level - this.#noise);
    this.#chunks.push(chunk);
    if (!this.#speaking) {
      if (this.#chunks.length > BEFORE) this.#chunks.shift();
      this.#speaking = loud;
      this.#quiet = 0;
      return;
    }
    this.#quiet = loud ? 0 : this.#quiet + 1;
    if (this.#quiet < QUIET && this.#chunks.length < LONGEST) return;
    this.#speaking = false;
    this.#finish();
  }

  async #finish() {
    const chunks = this.#chunks;
    this.#chunks = [];
    if (chunks.length < LEAST) return;
    this.#events.busy(true);
    try {
      const answer = await fetch('/api/stt', {method: 'POST', headers: {'Content-Type': 'audio/wav'}, body: wav(chunks)});
      const body = await answer.json();
      if (!answer.ok) this.#events.problem(body.detail ?? 'The server could not listen.');
      else if (body.text.trim()) this.#events.heard(body.text.trim());
    } catch {
      this.#events.problem('The server could not be reached.');
    } finally {
      this.#events.busy(false);
    }
  }
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// The microphone, for speech and for the sound that goes with the picture. Opening one takes a good part of a second, in which words would be lost:
// it is opened once, muted while nobody uses it, and let go after a while.
const IDLE = 120000;  // milliseconds
export const RATE = 16000, CHUNK = 512;  // samples

export class Microphone {
  #events;
  #opening = null;
  #context = null;
  #stream = null;
  #users = new Set();
  #timer = null;

  // events: chunk(Float32Array of CHUNK samples at RATE, at: seconds by `time`), changed(state), lost(): while it was used
  constructor(events) {
    this.#events = events;
  }

  // 'closed'; 'opening'; 'ready': open and muted; 'on'.
  get state() {
    if (!this.#opening) return 'closed';
    if (!this.#stream) return 'opening';
    return this.#users.size ? 'on' : 'ready';
  }

  // Seconds of sound that it has had time for; a busy page may not have seen all of it yet.
  get time() {
    return this.#context?.currentTime ?? 0;
  }

  // Opens it where that asks nobody anything.
  async prepare() {
    const permission = await navigator.permissions?.query({name: 'microphone'}).catch(() => null);
    if (permission?.state === 'granted') await this.open();
  }

  open() {
    if (!this.#opening) {
      const opening = this.#opening = this.#start();
      opening.catch(() => { if (opening === this.#opening) this.close(); });
      this.#events.changed(this.state);
    }
    return this.#opening;
  }

  // On from now until release(). `who`: a name for this use.
  async use(who) {
    this.#users.add(who);
    if (this.#stream) this.#settle();
    await this.open();
    await this.#context?.resume();
  }

  release(who) {
    if (this.#users.delete(who) && this.#stream) this.#settle();
  }

  // For a publisher; muting this microphone does not mute it. Its user stops it.
  track() {
    const track = this.#stream.getAudioTracks()[0].clone();
    track.enabled = true;
    return track;
  }

  close() {
    clearTimeout(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#context?.close();
    this.#opening = this.#context = this.#stream = null;
    this.#users.clear();
    this.#events.changed(this.state);
  }

  async #start() {
    if (!navigator.mediaDevices) throw new Error('browsers give microphones to https pages and to this machine\'s own only');
    const context = this.#context = new AudioContext({sampleRate: RATE});
    const module = context.audioWorklet.addModule('/sound_chunks.js');
    module.catch(() => {});  // where there is no microphone nobody waits for it
    const stream = await navigator.mediaDevices.getUserMedia({audio: {channelCount: 1, echoCancellation: true, noiseSuppression: true}});
    try {
      await module;
      if (context !== this.#context) throw new DOMException('closed meanwhile', 'AbortError');
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
    const node = new AudioWorkletNode(context, 'sound-chunks', {processorOptions: {chunk: CHUNK}, numberOfOutputs: 0});
    node.port.onmessage = ({data}) => { if (context === this.#context && this.#users.size) this.#events.chunk(data.samples, data.at); };
    context.createMediaStreamSource(stream).connect(node);
    stream.getAudioTracks()[0].addEventListener('ended', () => {
      const used = this.#users.size > 0;
      this.close();
      if (used) this.#events.lost();
    });
    this.#stream = stream;
    this.#settle();
  }

  #settle() {
    const used = this.#users.size > 0;
    for (const track of this.#stream.getTracks()) track.enabled = used;
    clearTimeout(this.#timer);
    if (!used) this.#timer = setTimeout(() => this.close(), IDLE);
    this.#events.changed(this.state);
  }
}

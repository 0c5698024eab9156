// SPDX-License-Identifier: LGPL-2.1-or-later
// One session with the server: frames out, pictures in. WebRTC; where that finds no way, pictures over the WebSocket and MJPEG.
import {Connection} from './connection.js';
import {Publisher, Viewer} from './webrtc.js';

const AGAIN = 1000;  // milliseconds

export class Live {
  #user;
  #source;
  #video;
  #picture;
  #events;
  #connection = null;
  #publisher = null;
  #viewer = null;
  #sound = null;
  #mode = 'full';
  #closed = false;
  #plain = false;  // no WebRTC
  #times = [];     // of pictures shown, in the last two seconds

  // `video`, `picture`: the elements that show what comes. events: settings() -> object, heard(message), lost(seconds), shown(), problem(text)
  constructor(user, source, video, picture, events) {
    this.#user = user;
    this.#source = source;
    this.#video = video;
    this.#picture = picture;
    this.#events = events;
    this.#plain = !('RTCPeerConnection' in window);
    this.#connect();
    this.#count();
  }

  get plain() { return this.#plain; }
  get rate() {
    const now = performance.now();
    this.#times = this.#times.filter(at => now - at < 2000);
    return Math.round(this.#times.length / 2);
  }

  setMode(mode) {
    this.#mode = mode;
    this.#connection?.setMode(mode);
  }

  sendSettings() {
    this.#connection?.sendSettings();
  }

  // A microphone's track, or null.
  setSound(track) {
    this.#sound = track;
    return this.#publisher?.setTrack('audio', track);
  }

  close() {
    this.#closed = true;
    this.#connection?.close();
    this.#endMedia();
    this.#picture.removeAttribute('src');
    this.#picture.hidden = this.#video.hidden = true;
  }

  // Seconds that pictures are on the way, without the time of editing; nothing while that is not known.
  async transit() {
    if (!this.#publisher || !this.#viewer?.peer) return null;
    let seconds = 0, known = false;
    for (const report of (await this.#publisher.peer.getStats()).values()) {
      if (report.type === 'remote-inbound-rtp' && report.kind === 'video' && report.roundTripTime !== undefined) {
        seconds += report.roundTripTime / 2;
        known = true;
      }
    }
    for (const report of (await this.#viewer.peer.getStats()).values()) {
      if (report.type === 'inbound-rtp' && report.kind === 'video' && report.jitterBufferEmittedCount)
        seconds += report.jitterBufferDelay / report.jitterBufferEmittedCount;
      if (report.type === 'candidate-pair' && report.nominated && report.currentRoundTripTime !== undefined) seconds += report.currentRoundTripTime / 2;
    }
    return known ? seconds : null;
  }

  #connect() {
    this.#connection = new Connection(this.#user, this.#plain ? 'image' : 'media', {
      settings: () => this.#events.settings(),
      picture: () => this.#source.picture(),
      heard: message => this.#heard(message),
      lost: seconds => {
        this.#endMedia();
        // Its stream has gone with the server; the next "connected" brings a new one.
        this.#picture.removeAttribute('src');
        this.#events.lost(seconds);
      },
    });
    if (this.#mode !== 'full') this.#connection.setMode(this.#mode);
  }

  #heard(message) {
    if (message.status === 'connected') {
      if (this.#plain) this.#showPlain();
      else this.#publish();
    }
    if (message.status === 'live') this.#watch();
    this.#events.heard(message);
  }

  // A track cannot belong to a publisher that has been closed and to the next: each gets a clone.
  async #publish() {
    this.#endMedia();
    const publisher = this.#publisher = new Publisher();
    const stream = new MediaStream(this.#source.stream.getVideoTracks());
    const sound = this.#sound ?? this.#source.stream.getAudioTracks()[0];
    if (sound) stream.addTrack(sound);
    try {
      await publisher.open(this.#user, stream, () => this.#again(publisher));
    } catch (error) {
      if (this.#closed || publisher !== this.#publisher) return;
      publisher.close();
      this.#publisher = null;
      if (error.status) {
        if (error.status !== 503) this.#events.problem(error.message);
        setTimeout(() => this.#again(null), AGAIN);
      } else {
        this.#fallBack();
      }
    }
  }

  #again(publisher) {
    if (this.#closed || this.#plain || publisher !== this.#publisher) return;
    this.#publish();
  }

  async #watch() {
    if (this.#viewer || this.#plain) return;
    const viewer = this.#viewer = new Viewer();
    try {
      await viewer.open(this.#user, this.#video, () => {
        if (viewer !== this.#viewer) return;
        this.#viewer = null;
        viewer.close();
        setTimeout(() => { if (!this.#closed && this.#publisher) this.#watch(); }, AGAIN);
      });
      if (viewer === this.#viewer) this.#show(this.#video);
    } catch (error) {
      if (this.#closed || viewer !== this.#viewer) return;
      viewer.close();
      this.#viewer = null;
      // Pictures still come as MJPEG.
      this.#showPlain();
    }
  }

  #fallBack() {
    this.#connection.close();
    this.#endMedia();
    this.#plain = true;
    this.#connect();
  }

  #showPlain() {
    this.#picture.src = `/api/stream/${this.#user}?${Date.now()}`;
    this.#show(this.#picture);
  }

  #show(element) {
    this.#video.hidden = element !== this.#video;
    this.#picture.hidden = element !== this.#picture;
    this.#events.shown();
  }

  #endMedia() {
    this.#publisher?.close();
    this.#viewer?.close();
    this.#publisher = this.#viewer = null;
    this.#video.srcObject = null;
  }

  // Frames of the film; parts of MJPEG are counted by the server's asking.
  #count() {
    if (!this.#video.requestVideoFrameCallback) return;
    const next = () => {
      if (this.#closed) return;
      this.#times.push(performance.now());
      this.#video.requestVideoFrameCallback(next);
    };
    this.#video.requestVideoFrameCallback(next);
  }

  countPlain() {
    this.#times.push(performance.now());
  }
}

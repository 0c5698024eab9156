// SPDX-License-Identifier: LGPL-2.1-or-later
// One session with the server: frames out, pictures in. WebRTC; where that finds no way, pictures over the WebSocket and MJPEG, which is also the way of
// single pictures and of those made from text alone.
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
  #listening = false;
  #closed = false;
  #plain;          // no WebRTC
  #pictured = false;  // whether MJPEG has come
  #times = [];     // of pictures shown, in the last two seconds

  // `source`: a started one. `video`, `picture`: the elements that show what comes.
  // events: settings() -> object, heard(message), lost(seconds), shown(), fell_back(), problem(text)
  constructor(user, source, video, picture, events) {
    this.#user = user;
    this.#source = source;
    this.#video = video;
    this.#picture = picture;
    this.#events = events;
    this.#plain = source.way !== 'media' || !('RTCPeerConnection' in window);
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

  // Whether the server shall turn what is said into this microphone into prompts. Not where the way is plain.
  get listening() { return this.#listening; }
  setListening(on) {
    if (on === this.#listening) return;
    this.#listening = on;
    // Before there is a publisher the server has nothing to listen to: see #publish().
    if (!on || this.#publisher?.peer.connectionState === 'connected') this.#connection?.setListening(on);
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
    const welcome = this.#connection?.welcome;
    const way = this.#source.way;
    this.#connection = new Connection(this.#user, way === 'media' && this.#plain ? 'image' : way, {
      settings: () => this.#events.settings(),
      picture: () => this.#source.picture(),
      heard: message => this.#heard(message),
      lost: seconds => {
        this.#endMedia();
        // Its stream has gone with the server; the next "connected" brings a new one.
        this.#picture.removeAttribute('src');
        this.#events.lost(seconds);
      },
    }, welcome);
    if (this.#mode !== 'full') this.#connection.setMode(this.#mode);
  }

  #heard(message) {
    if (message.status === 'connected') {
      if (this.#plain) this.#showPlain();
      else this.#publish();
    }
    if (message.status === 'live') this.#watch();
    if (message.status === 'send_frame') {
      this.#times.push(performance.now());
      if (!this.#pictured) return;
    }
    this.#events.heard(message);
  }

  async #publish() {
    this.#endMedia();
    const publisher = this.#publisher = new Publisher();
    const stream = new MediaStream(this.#source.stream.getVideoTracks());
    const sound = this.#sound ?? this.#source.stream.getAudioTracks()[0];
    if (sound) stream.addTrack(sound);
    try {
      await publisher.open(this.#user, stream, () => this.#again(publisher));
      if (this.#listening && publisher === this.#publisher) this.#connection.setListening(true);
    } catch (error) {
      if (this.#closed || publisher !== this.#publisher) return;
      publisher.close();
      this.#publisher = null;
      if ('status' in error) {
        if (error.status && error.status !== 503) this.#events.problem(error.message);
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
      await viewer.open(this.#user, this.#video, () => this.#watchAgain(viewer));
      if (viewer === this.#viewer) this.#show(this.#video);
    } catch (error) {
      if (this.#closed || viewer !== this.#viewer) return;
      if ('status' in error) return this.#watchAgain(viewer);
      viewer.close();
      this.#viewer = null;
      this.#showPlain();  // pictures still come as MJPEG
    }
  }

  #watchAgain(viewer) {
    if (viewer !== this.#viewer) return;
    this.#viewer = null;
    viewer.close();
    setTimeout(() => { if (!this.#closed && this.#publisher) this.#watch(); }, AGAIN);
  }

  #fallBack() {
    this.#connection.close();
    this.#endMedia();
    this.#plain = true;
    this.#connect();
    this.#events.fell_back();
  }

  #showPlain() {
    this.#pictured = false;
    this.#picture.onload = () => {
      if (this.#closed || this.#pictured) return;
      this.#pictured = true;
      this.#events.heard({status: 'live'});
    };
    this.#picture.onerror = () => setTimeout(() => { if (!this.#closed && this.#picture.hasAttribute('src')) this.#showPlain(); }, AGAIN);
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

  // Of the film every frame shown is counted; of MJPEG, every frame that the server asks for.
  #count() {
    if (!this.#video.requestVideoFrameCallback) return;
    const next = () => {
      if (this.#closed) return;
      this.#times.push(performance.now());
      this.#video.requestVideoFrameCallback(next);
    };
    this.#video.requestVideoFrameCallback(next);
  }
}

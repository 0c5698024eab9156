// SPDX-License-Identifier: LGPL-2.1-or-later
// WS /api/ws/{user}: news and settings; whenever the server asks for a frame also what it is made of. Comes back by itself when the connection is lost.
import {ask} from './access.js';

const FIRST_DELAY = 0.5, LONGEST_DELAY = 10;  // seconds
const REFUSED = 1008, FULL = 1013;

export class Connection {
  #user;
  #kind;
  #events;
  #socket = null;
  #delay = FIRST_DELAY;
  #closed = false;
  #mode = 'full';
  #welcome;  // the server took this user before: if it refuses now, it may not have missed the lost connection yet
  #sending = Promise.resolve();

  // `kind`: 'media' (frames go by WebRTC), 'image' (frames go here) or 'video' (there are none: pictures are made from the text).
  // `welcome`: what another connection of this page has told (see welcome).
  // events: settings() -> object, heard(message), lost(seconds); of 'image' also picture() -> Promise of a Blob
  constructor(user, kind, events, welcome = false) {
    this.#user = user;
    this.#kind = kind;
    this.#events = events;
    this.#welcome = welcome;
    this.#open();
  }

  setMode(mode) {
    this.#mode = mode;
    this.#inOrder(() => this.#send({mode}));
  }

  get welcome() { return this.#welcome; }

  // Whether the server turns what it hears into prompts. It forgets that with the connection.
  setListening(listen) {
    this.#inOrder(() => this.#send({listen}));
  }

  // Without WebRTC they go with the next frame.
  sendSettings() {
    if (this.#kind === 'media') this.#send({settings: this.#events.settings()});
  }

  close() {
    this.#closed = true;
    this.#socket?.close();
  }

  #open() {
    if (this.#closed) return;
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    this.#socket = new WebSocket(`${scheme}://${location.host}/api/ws/${this.#user}?mode=${this.#kind}`);
    let last = '';
    this.#socket.onmessage = event => {
      if (this.#closed) return;
      const message = JSON.parse(event.data);
      last = message.status;
      if (message.status === 'connected') {
        this.#delay = FIRST_DELAY;
        this.#welcome = true;
        this.sendSettings();
        if (this.#mode !== 'full') this.setMode(this.#mode);
      }
      this.#events.heard(message);
      if (message.status === 'send_frame') this.#inOrder(() => this.#sendFrame());
    };
    this.#socket.onclose = event => {
      if (this.#closed || last === 'timeout' || (event.code === REFUSED && !this.#welcome)) return;
      if (event.code === FULL) this.#delay = LONGEST_DELAY;
      this.#comeBackLater(last !== 'error');
    };
  }

  #comeBackLater(tell) {
    const seconds = this.#delay * (0.75 + Math.random() / 2);
    this.#delay = Math.min(LONGEST_DELAY, this.#delay * 2);
    if (tell) this.#events.lost(Math.ceil(seconds));
    setTimeout(() => this.#comeBack(), seconds * 1000);
  }

  // A WebSocket does not tell why it is refused. Asked first, a server that wants its token says so.
  async #comeBack() {
    if (this.#closed) return;
    try {
      await ask('/api/queue');
    } catch {
      if (!this.#closed) this.#comeBackLater(true);
      return;
    }
    this.#open();
  }

  // One message's parts are not torn apart by another.
  #inOrder(work) {
    this.#sending = this.#sending.then(work).catch(() => {});
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(message instanceof Blob ? message : JSON.stringify(message));
  }

  async #sendFrame() {
    const picture = this.#kind === 'image' ? await this.#events.picture() : null;
    this.#send({status: 'next_frame'});
    this.#send(this.#events.settings());
    if (picture) this.#send(picture);
  }
}

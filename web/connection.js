// SPDX-License-Identifier: LGPL-2.1-or-later
// WS /api/ws/{user}: news and settings; with mode=image also a picture whenever the server asks for one. Comes back by itself when the connection
// is lost.
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
  #sending = Promise.resolve();

  // `kind`: 'media' (frames go by WebRTC) or 'image' (frames go here).
  // events: settings() -> object, heard(message), lost(seconds); of 'image' also picture() -> Promise of a Blob
  constructor(user, kind, events) {
    this.#user = user;
    this.#kind = kind;
    this.#events = events;
    this.#open();
  }

  setMode(mode) {
    this.#mode = mode;
    this.#inOrder(() => this.#send(JSON.stringify({mode})));
  }

  // With 'image' they go with the next frame.
  sendSettings() {
    if (this.#kind === 'media') this.#send(JSON.stringify({settings: this.#events.settings()}));
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
        this.sendSettings();
        if (this.#mode !== 'full') this.setMode(this.#mode);
      }
      this.#events.heard(message);
      if (message.status === 'send_frame') this.#inOrder(() => this.#sendFrame());
    };
    this.#socket.onclose = event => {
      if (this.#closed || last === 'timeout' || event.code === REFUSED) return;
      if (event.code === FULL) this.#delay = LONGEST_DELAY;
      const seconds = this.#delay * (0.75 + Math.random() / 2);
      this.#delay = Math.min(LONGEST_DELAY, this.#delay * 2);
      if (last !== 'error') this.#events.lost(Math.ceil(seconds));
      setTimeout(() => this.#open(), seconds * 1000);
    };
  }

  // One message's parts are not torn apart by another.
  #inOrder(work) {
    this.#sending = this.#sending.then(work).catch(() => {});
  }

  #send(data) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  async #sendFrame() {
    const picture = await this.#events.picture();
    this.#send(JSON.stringify({status: 'next_frame'}));
    this.#send(JSON.stringify(this.#events.settings()));
    this.#send(picture);
  }
}

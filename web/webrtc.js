// SPDX-License-Identifier: LGPL-2.1-or-later
// Out to the server by WHIP, back from it by WHEP. The server answers with all its candidates, and learns ours from the connection itself.
import {ask} from './access.js';

const RETRY = 250, LONGEST_RETRY = 2000;  // milliseconds
const CONNECT_TIME = 8000;  // from the server's answer on: it may have asked for its token first

// What the server refuses has its `status`; 0: it could not be reached.
async function negotiate(peer, url, signal) {
  await peer.setLocalDescription(await peer.createOffer());
  const answer = await ask(url, {method: 'POST', headers: {'Content-Type': 'application/sdp'}, body: peer.localDescription.sdp, signal})
    .catch(error => { throw Object.assign(error, {status: 0}); });
  if (answer.status !== 201) {
    const problem = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(problem.detail ?? `The server answered ${answer.status}.`), {status: answer.status});
  }
  await peer.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  return answer.headers.get('Location');
}

function connected(peer) {
  return new Promise((done, failed) => {
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'connected') done();
      else if (['failed', 'closed'].includes(peer.connectionState)) failed(new Error('no way through by WebRTC'));
    });
  });
}

// As `promise`, or fails after CONNECT_TIME.
function inTime(promise) {
  let timer;
  const late = new Promise((_, failed) => { timer = setTimeout(() => failed(new Error('no way through by WebRTC in time')), CONNECT_TIME); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

class Link {
  peer = new RTCPeerConnection();
  address = null;
  #abort = new AbortController();

  // Resolves when media flow. `lost` is called once if that ends by itself.
  async open(url, lost) {
    const flows = connected(this.peer);
    flows.catch(() => {});
    this.address = await negotiate(this.peer, url, this.#abort.signal);
    await inTime(flows);
    this.peer.addEventListener('connectionstatechange', () => {
      if (['failed', 'closed'].includes(this.peer.connectionState)) lost();
    });
  }

  close() {
    this.#abort.abort();
    this.peer.close();
    // Also while the page goes away.
    if (this.address) fetch(this.address, {method: 'DELETE', keepalive: true}).catch(() => {});
    this.address = null;
  }
}

export class Publisher {
  #link = new Link();
  #senders = {};

  // `stream`: the tracks that are there are sent; a microphone may be added later with setTrack().
  async open(user, stream, lost) {
    for (const kind of ['video', 'audio']) {
      const track = stream.getTracks().find(t => t.kind === kind);
      this.#senders[kind] = this.#link.peer.addTransceiver(track ?? kind, {direction: 'sendonly', streams: [stream]}).sender;
    }
    await this.#link.open(`/api/whip/${user}`, lost);
  }

  // null: silence, or a picture that stands still.
  setTrack(kind, track) {
    return this.#senders[kind]?.replaceTrack(track);
  }

  get peer() { return this.#link.peer; }
  close() { this.#link.close(); }
}

export class Viewer {
  #link = null;
  #closed = false;

  // Tries until there is something to see. `lost` is called when what was seen has gone.
  async open(user, video, lost) {
    for (let delay = RETRY; !this.#closed; delay = Math.min(LONGEST_RETRY, delay * 1.5)) {
      this.#link = new Link();
      const stream = new MediaStream();
      this.#link.peer.addTransceiver('video', {direction: 'recvonly'});
      this.#link.peer.addTransceiver('audio', {direction: 'recvonly'});
      this.#link.peer.addEventListener('track', event => {
        // Live means now: nothing is held back.
        event.receiver.jitterBufferTarget = 0;
        stream.addTrack(event.track);
      });
      try {
        await this.#link.open(`/api/whep/${user}`, () => { if (!this.#closed) lost(); });
        video.srcObject = stream;
        await video.play().catch(() => {});
        return;
      } catch (error) {
        this.#link.close();
        if (this.#closed) return;
        if (error.status !== 409) throw error;
      }
      await new Promise(done => setTimeout(done, delay));
    }
  }

  get peer() { return this.#link?.peer; }

  close() {
    this.#closed = true;
    this.#link?.close();
  }
}

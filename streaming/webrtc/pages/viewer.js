import {Backoff, Keeper, negotiate, tokenOfAddress} from '/signalling.js';

const picture = document.getElementById('picture');
const veil = document.getElementById('veil');
const status = document.getElementById('status');
const login = document.getElementById('login');
const sound = document.getElementById('sound');
const figures = document.getElementById('figures');
let token = tokenOfAddress();
let endSession = () => {};

function say(text) {
  status.textContent = text;
  veil.classList.toggle('clear', !text);
}

// Watches until the connection breaks. Throws where there is none to be had.
async function watch(backoff) {
  const peer = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  const stream = new MediaStream();
  try {
    let session;
    const keeper = new Keeper(peer, () => session.restart());
    peer.addEventListener('track', event => {
      stream.addTrack(event.track);
      picture.srcObject = stream;
    });
    peer.addTransceiver('video', {direction: 'recvonly'});
    peer.addTransceiver('audio', {direction: 'recvonly'});
    session = await negotiate(peer, '/whep', token);
    endSession = session.end;
    const hasSound = peer.getTransceivers().some(t => t.receiver.track.kind === 'audio' && t.currentDirection === 'recvonly');
    sound.hidden = !hasSound;
    picture.addEventListener('playing', () => { say(''); backoff.reset(); }, {once: true});
    await Promise.race([keeper.over, standstill(peer, keeper)]);
    endSession();
  } finally {
    endSession = () => {};
    figures.textContent = '';
    peer.close();
  }
}

// Shows the figures each second. Even a still stream sends some pictures: where none has come for 3 seconds the path is to be mended, after 10 it
// ends.
async function standstill(peer, keeper) {
  let before = {framesDecoded: 0, bytesReceived: 0};
  for (let quiet = 0; quiet < 10 && peer.connectionState !== 'closed';) {
    await new Promise(done => setTimeout(done, 1000));
    for (const report of (await peer.getStats()).values()) {
      if (report.type !== 'inbound-rtp' || report.kind !== 'video') continue;
      const frames = (report.framesDecoded || 0) - before.framesDecoded;
      const kilobits = Math.round((report.bytesReceived - before.bytesReceived) / 125);
      if (frames > 0 && quiet > 2) keeper.mended();
      quiet = frames > 0 ? 0 : quiet + 1;
      if (quiet === 3 && peer.connectionState === 'connected') keeper.mend();
      figures.textContent = `${report.frameWidth || 0}\u00d7${report.frameHeight || 0}, ${frames} fps, ${kilobits} kbit/s`;
      before = {framesDecoded: report.framesDecoded || 0, bytesReceived: report.bytesReceived};
    }
  }
}

async function run() {
  const backoff = new Backoff();
  say('Connecting');
  for (;;) {
    let refused;
    try {
      await watch(backoff);
      say('Reconnecting');
    } catch (error) {
      refused = error;
      if (error.status === 401 || error.status === 403) break;
      say(error.status === 409 ? 'Waiting for the stream' : error.status ? error.message : 'The stream is not there');
    }
    await backoff.pause(refused);
  }
  say(token ? 'This is not the token' : 'This stream wants a token');
  login.hidden = false;
}

login.addEventListener('submit', event => {
  event.preventDefault();
  token = document.getElementById('token').value;
  login.hidden = true;
  run();
});
sound.addEventListener('click', () => {
  picture.muted = !picture.muted;
  sound.textContent = picture.muted ? 'Sound on' : 'Sound off';
});
document.getElementById('full').addEventListener('click', () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (picture.requestFullscreen) picture.requestFullscreen();
  else picture.webkitEnterFullscreen();
});
addEventListener('pagehide', () => endSession());
run();

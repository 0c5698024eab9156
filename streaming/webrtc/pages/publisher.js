import {Backoff, Keeper, negotiate, tokenOfAddress} from '/signalling.js';

const picture = document.getElementById('picture');
const veil = document.getElementById('veil');
const status = document.getElementById('status');
const login = document.getElementById('login');
const publish = document.getElementById('publish');
const figures = document.getElementById('figures');
const choices = {videoinput: document.getElementById('camera'), audioinput: document.getElementById('microphone')};
let token = tokenOfAddress();
let wanted = false;
let stop = () => {};

function say(text) {
  status.textContent = text;
  veil.classList.toggle('clear', !text);
}

// What there is to choose from; browsers tell names only once they have been allowed to.
async function listDevices() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const [kind, choice] of Object.entries(choices)) {
    const before = choice.value;
    choice.replaceChildren(...devices.filter(device => device.kind === kind).map(
      (device, i) => new Option(device.label || `${i + 1}`, device.deviceId)), new Option('none', 'none'));
    if ([...choice.options].some(option => option.value === before)) choice.value = before;
  }
}

function constraint(kind, more) {
  const id = choices[kind].value;
  if (id === 'none') return false;
  return {...more, ...(id ? {deviceId: id} : {})};
}

async function openDevices() {
  if (!navigator.mediaDevices) throw new Error('Browsers give the camera only to https pages and to localhost');
  await listDevices();
  const stream = await navigator.mediaDevices.getUserMedia({
    video: constraint('videoinput', {width: {ideal: 1280}, height: {ideal: 720}}), audio: constraint('audioinput', {}),
  });
  await listDevices();
  return stream;
}

// Publishes until the connection breaks or `stop` is called. Throws where there is none to be had.
async function send(stream, backoff) {
  const peer = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  let session = {end() {}};
  try {
    const keeper = new Keeper(peer, () => session.restart(), () => { say(''); backoff.reset(); });
    const over = Promise.race([keeper.over, new Promise(done => { stop = done; })]);
    for (const track of stream.getTracks()) peer.addTransceiver(track, {direction: 'sendonly', streams: [stream]});
    session = await negotiate(peer, '/whip', token);
    const timer = setInterval(() => showFigures(peer), 1000);
    await over;
    clearInterval(timer);
  } finally {
    session.end();
    peer.close();
    figures.textContent = '';
  }
}

let bytesBefore = 0;
async function showFigures(peer) {
  for (const report of (await peer.getStats()).values()) {
    if (report.type !== 'outbound-rtp' || report.kind !== 'video') continue;
    const kilobits = Math.max(0, Math.round((report.bytesSent - bytesBefore) / 125));
    bytesBefore = report.bytesSent;
    figures.textContent = `${report.frameWidth || 0}\u00d7${report.frameHeight || 0}, ${report.framesPerSecond || 0} fps, ${kilobits} kbit/s`;
  }
}

async function run() {
  const backoff = new Backoff();
  let stream;
  say('Opening camera and microphone');
  try {
    stream = await openDevices();
  } catch (error) {
    wanted = false;
    publish.textContent = 'Publish';
    return say(error.name === 'NotAllowedError' ? 'The browser was told not to give the camera' : error.message);
  }
  picture.srcObject = stream;
  for (const track of stream.getTracks()) track.addEventListener('ended', () => { wanted = false; stop(); say('The camera has gone'); });
  publish.classList.add('live');
  while (wanted) {
    say('Connecting');
    let refused;
    try {
      await send(stream, backoff);
    } catch (error) {
      refused = error;
      if (error.status === 401 || error.status === 403) {
        wanted = false;
        login.hidden = false;
        say(token ? 'This is not the token' : 'Publishing here wants a token');
        break;
      }
      say(error.message);
    }
    if (wanted) await Promise.race([backoff.pause(refused), new Promise(done => { stop = done; })]);
  }
  for (const track of stream.getTracks()) track.stop();
  picture.srcObject = null;
  publish.classList.remove('live');
  publish.textContent = 'Publish';
  if (login.hidden) say('Camera and microphone are off');
}

function toggle() {
  wanted = !wanted;
  publish.textContent = wanted ? 'Stop' : 'Publish';
  if (wanted) run();
  else stop();
}

publish.addEventListener('click', toggle);
login.addEventListener('submit', event => {
  event.preventDefault();
  token = document.getElementById('token').value;
  login.hidden = true;
  toggle();
});
addEventListener('pagehide', () => { wanted = false; stop(); });
if (navigator.mediaDevices) listDevices().catch(() => {});

const picture = document.getElementById('picture');
const video = document.getElementById('video');
const veil = document.getElementById('veil');
const status = document.getElementById('status');
const login = document.getElementById('login');
const mode = document.getElementById('mode');
let delay = 500;
let timer = 0;

// The token may stand behind the address (#token=...), where no server and no log sees it.
let token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
if (token) history.replaceState(null, '', location.pathname);

function say(text) {
  status.textContent = text;
  veil.hidden = !text;
}

// Exchanges the token for a cookie, which images and players send by themselves.
async function logIn() {
  const answer = await fetch('/ticket', {method: 'POST', headers: {Authorization: `Bearer ${token}`}});
  token = '';
  login.hidden = answer.ok;
  if (!answer.ok) say(answer.status === 429 ? 'Too many wrong tokens. Try again in a minute.' : 'This is not the token.');
  return answer.ok;
}

function later(text) {
  say(text);
  clearTimeout(timer);
  timer = setTimeout(watch, delay * (0.75 + Math.random() / 2));
  delay = Math.min(2 * delay, 10000);
}

function stop() {
  clearTimeout(timer);
  picture.removeAttribute('src');
  video.removeAttribute('src');
  video.load();
}

async function watch() {
  const hls = mode.getAttribute('aria-pressed') === 'true';
  stop();
  picture.hidden = hls;
  video.hidden = !hls;
  try {
    if (token && !await logIn()) return;
    const answer = await fetch(hls ? '/index.m3u8' : '/stream', {method: 'HEAD'});
    if (answer.status === 401) {
      say('This stream wants a token.');
      login.hidden = false;
      return;
    }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
  } catch {
    later('Not reachable. Trying again');
    return;
  }
  if (hls) {
    video.src = '/index.m3u8';
    video.play().catch(() => {});
  } else {
    picture.src = `/stream?t=${Date.now()}`;
  }
}

function shown() {
  delay = 500;
  say('');
}
picture.addEventListener('load', shown);
video.addEventListener('playing', shown);
picture.addEventListener('error', () => { if (picture.hasAttribute('src')) later('The picture has gone. Trying again'); });
video.addEventListener('error', () => { if (video.hasAttribute('src')) later('This browser does not play the stream. Trying again'); });
video.addEventListener('ended', () => later('The stream has ended. Trying again'));
login.addEventListener('submit', event => {
  event.preventDefault();
  token = document.getElementById('token').value;
  watch();
});
mode.addEventListener('click', () => {
  const hls = mode.getAttribute('aria-pressed') !== 'true';
  mode.setAttribute('aria-pressed', String(hls));
  mode.textContent = hls ? 'Without delay (pictures)' : 'With sound (HLS)';
  say('Connecting');
  watch();
});
document.getElementById('full').addEventListener('click', () => document.querySelector('main').requestFullscreen());
watch();

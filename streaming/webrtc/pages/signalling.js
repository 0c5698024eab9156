// WHIP and WHEP from a browser: one offer by POST, candidates and ICE restarts by PATCH, the end by DELETE.

// Milliseconds that the server and a direct path may take. A request on a connection that died unnoticed (the network was changed) would wait for minutes.
const PATIENCE = {post: 10000, patch: 2000, direct: 1500};

export class Refusal extends Error {
  constructor(status, text, retryAfter) {
    super(text);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

// The token stands behind the number sign, which browsers do not send: /#token=...
export function tokenOfAddress() {
  return new URLSearchParams(location.hash.slice(1)).get('token') || '';
}

async function refusal(response) {
  let text = response.statusText;
  try {
    text = (await response.json()).detail || text;
  } catch {
    // The status says enough.
  }
  return new Refusal(response.status, text, Number(response.headers.get('Retry-After')) || 0);
}

function iceServers(response) {
  const servers = [];
  for (const link of (response.headers.get('Link') || '').split(/,\s*(?=<)/)) {
    const url = link.match(/^<([^>]+)>/);
    if (!url || !/rel="?ice-server"?/.test(link)) continue;
    const value = name => (link.match(new RegExp(`${name}="([^"]*)"`)) || [])[1];
    servers.push({urls: url[1], username: value('username'), credential: value('credential')});
  }
  return servers;
}

// The lines of an offer that a fragment of candidates begins with.
function fragmentHead(offer) {
  const line = name => (offer.match(new RegExp(`^a=${name}:.*$`, 'm')) || [''])[0].trim();
  return [line('ice-ufrag'), line('ice-pwd'), 'm=video 9 UDP/TLS/RTP/SAVPF 0', line('mid')];
}

async function makeOffer(peer, options) {
  const offer = await peer.createOffer(options);
  // Without this Chromium plays stereo as mono.
  offer.sdp = offer.sdp.replace(/(a=fmtp:\d+ minptime=10;useinbandfec=1)(?=\r?\n)/g, '$1;stereo=1');
  await peer.setLocalDescription(offer);
  return offer.sdp;
}

// The answer of before with the ICE credentials and candidates of a fragment.
function restartedAnswer(answer, fragment) {
  const value = name => fragment.match(new RegExp(`^a=${name}:(.*?)\r?$`, 'm'))[1];
  const candidates = fragment.match(/^a=(candidate:.*?|end-of-candidates)\r?$/mg).map(line => line.trim());
  return answer.replace(/^a=(candidate:.*?|end-of-candidates)\r?\n/mg, '')
    .replace(/^a=ice-ufrag:.*?$/mg, `a=ice-ufrag:${value('ice-ufrag')}`).replace(/^a=ice-pwd:.*?$/mg, `a=ice-pwd:${value('ice-pwd')}`)
    .replace(new RegExp(`^a=mid:${value('mid')}\r?\n`, 'm'), line => line + candidates.map(text => `${text}\r\n`).join(''));
}

// Sends the peer connection's offer to `endpoint` and takes the answer. Returns {end, restart}: end() ends the session, restart() looks for a
// new path between the two and throws where the server does not.
export async function negotiate(peer, endpoint, token) {
  const authorization = token ? {Authorization: `Bearer ${token}`} : {};
  let found = [];
  let send = candidate => found.push(candidate);
  peer.addEventListener('icecandidate', event => {
    if (event.candidate && event.candidate.candidate) send(event.candidate.candidate);
  });
  const offer = await makeOffer(peer);
  const response = await fetch(endpoint, {
    method: 'POST', body: offer, headers: {'Content-Type': 'application/sdp', ...authorization}, signal: AbortSignal.timeout(PATIENCE.post),
  });
  if (response.status !== 201) throw await refusal(response);
  const session = new URL(response.headers.get('Location'), new URL(endpoint, location.href));
  const end = () => fetch(session, {method: 'DELETE', headers: authorization, keepalive: true}).catch(() => {});
  const patch = (lines, etag) => fetch(session, {
    method: 'PATCH', body: [...lines, ''].join('\r\n'),
    headers: {'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': etag, ...authorization},
    signal: AbortSignal.timeout(PATIENCE.patch),
  });
  const trickle = (head, etag) => {
    send = candidate => patch([...head, `a=${candidate}`], etag).catch(() => {});
    found.forEach(send);
  };
  let answer, relays = false;
  try {
    const servers = iceServers(response);
    relays = servers.length > 0;
    if (relays) peer.setConfiguration({...peer.getConfiguration(), iceServers: servers});
    answer = await response.text();
    await peer.setRemoteDescription({type: 'answer', sdp: answer});
  } catch (error) {
    end();
    throw error;
  }
  trickle(fragmentHead(offer), response.headers.get('ETag'));
  const restart = async () => {
    found = [];
    send = candidate => found.push(candidate);
    const head = fragmentHead(await makeOffer(peer, {iceRestart: true}));
    const restarted = await patch(head, '*');
    if (restarted.status !== 200) throw await refusal(restarted);
    await peer.setRemoteDescription({type: 'answer', sdp: restartedAnswer(answer, await restarted.text())});
    trickle(head, restarted.headers.get('ETag'));
  };
  // Browsers use servers that they are told of now when they gather candidates the next time: where there is no direct path that is wanted.
  if (relays) setTimeout(() => { if (['new', 'connecting'].includes(peer.connectionState)) restart().catch(() => {}); }, PATIENCE.direct);
  return {end, restart};
}

// Keeps a connection alive: a path that breaks (the phone has left the house) is mended by restart(), if the server can still be reached.
export class Keeper {
  constructor(peer, restart, onConnected = () => {}) {
    this.restart = restart;
    this.over = new Promise(done => { this.giveUp = done; });  // it is, for good
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'connecting') return;
      clearTimeout(this.timer);
      this.mending = false;
      if (peer.connectionState === 'connected') onConnected();
      if (['failed', 'closed'].includes(peer.connectionState)) this.giveUp();
      if (peer.connectionState === 'disconnected') this.timer = setTimeout(() => this.mend(), 500);
    });
  }
  async mend() {
    if (this.mending) return;
    this.mending = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(this.giveUp, 8000);
    for (let tries = 3; tries > 0 && this.mending; --tries) {
      try {
        return await this.restart();
      } catch (error) {
        if (error instanceof Refusal) break;
      }
    }
    this.giveUp();
  }
  mended() {
    this.mending = false;
    clearTimeout(this.timer);
  }
}

// Runs `attempt` again and again: after a refusal when its Retry-After says so, else after growing pauses.
export class Backoff {
  constructor() {
    this.failures = 0;
  }
  reset() {
    this.failures = 0;
  }
  pause(refused) {
    const seconds = refused && refused.retryAfter > 0 ? refused.retryAfter : Math.min(10, 0.5 * 2 ** this.failures);
    ++this.failures;
    return new Promise(done => setTimeout(done, 1000 * seconds * (1 + 0.3 * Math.random())));
  }
}

// WHIP and WHEP from a browser: one offer by POST, candidates by PATCH, the end by DELETE.

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

// Sends the peer connection's offer to `endpoint` and takes the answer. Returns a function that ends the session.
export async function negotiate(peer, endpoint, token) {
  const authorization = token ? {Authorization: `Bearer ${token}`} : {};
  const found = [];
  let send = candidate => found.push(candidate);
  peer.addEventListener('icecandidate', event => {
    if (event.candidate && event.candidate.candidate) send(event.candidate.candidate);
  });
  const offer = await peer.createOffer();
  // Without this Chromium plays stereo as mono.
  offer.sdp = offer.sdp.replace(/(a=fmtp:\d+ minptime=10;useinbandfec=1)(?=\r?\n)/g, '$1;stereo=1');
  await peer.setLocalDescription(offer);
  const response = await fetch(endpoint, {
    method: 'POST', body: offer.sdp, headers: {'Content-Type': 'application/sdp', ...authorization},
  });
  if (response.status !== 201) throw await refusal(response);
  const session = new URL(response.headers.get('Location'), new URL(endpoint, location.href));
  const end = () => fetch(session, {method: 'DELETE', headers: authorization, keepalive: true}).catch(() => {});
  try {
    const servers = iceServers(response);
    if (servers.length) peer.setConfiguration({...peer.getConfiguration(), iceServers: servers});
    await peer.setRemoteDescription({type: 'answer', sdp: await response.text()});
  } catch (error) {
    end();
    throw error;
  }
  const etag = response.headers.get('ETag');
  const head = fragmentHead(offer.sdp);
  send = candidate => fetch(session, {
    method: 'PATCH', body: [...head, `a=${candidate}`, ''].join('\r\n'),
    headers: {'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': etag, ...authorization},
  }).catch(() => {});
  found.forEach(send);
  return end;
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

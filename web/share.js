// SPDX-License-Identifier: LGPL-2.1-or-later
// What leaves the page: a link with its QR code, a picture, a film.
const LOOPBACK = /^(localhost|.*\.localhost|127\..*|\[::1\])$/;

export function showLink(user, elements) {
  elements.link.value = `${location.origin}/?watch=${user}`;
  elements.code.src = `/api/qr/${user}`;
  elements.reach.hidden = !LOOPBACK.test(location.hostname);
  elements.dialog.showModal();
  elements.link.select();
}

function save(blob, name) {
  const link = Object.assign(document.createElement('a'), {href: URL.createObjectURL(blob), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function stamp() {
  return new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-');
}

// `element`: a video or an img.
export async function savePicture(element) {
  const canvas = document.createElement('canvas');
  canvas.width = element.videoWidth || element.naturalWidth;
  canvas.height = element.videoHeight || element.naturalHeight;
  canvas.getContext('2d').drawImage(element, 0, 0);
  save(await new Promise(done => canvas.toBlob(done, 'image/png')), `liveedit-${stamp()}.png`);
}

// Records what `element` shows until stop().
export class Recording {
  #recorder;
  #parts = [];
  #drawing = null;

  constructor(element) {
    const stream = element.srcObject ?? this.#drawn(element);
    const type = ['video/mp4;codecs=avc1.42E01E,mp4a.40.2', 'video/webm;codecs=vp8,opus', 'video/webm'].find(t => MediaRecorder.isTypeSupported(t));
    this.#recorder = new MediaRecorder(stream, {mimeType: type, videoBitsPerSecond: 4e6});
    this.#recorder.ondataavailable = event => this.#parts.push(event.data);
    this.#recorder.start(1000);
  }

  // Of an img, whose pictures come as MJPEG.
  #drawn(element) {
    const canvas = Object.assign(document.createElement('canvas'), {width: element.naturalWidth, height: element.naturalHeight});
    const context = canvas.getContext('2d');
    this.#drawing = setInterval(() => context.drawImage(element, 0, 0, canvas.width, canvas.height), 50);
    return canvas.captureStream(20);
  }

  async stop() {
    clearInterval(this.#drawing);
    if (this.#recorder.state !== 'inactive') {
      await new Promise(done => {
        this.#recorder.onstop = done;
        this.#recorder.stop();
      });
    }
    const type = this.#recorder.mimeType;
    save(new Blob(this.#parts, {type}), `liveedit-${stamp()}.${type.includes('mp4') ? 'mp4' : 'webm'}`);
  }
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// The camera, and its newest picture as JPEG.
const MAX_SIDE = 512;
const QUALITY = 0.85;

export class Camera {
  #video;
  #canvas = document.createElement('canvas');
  #stream = null;

  constructor(video) {
    this.#video = video;
  }

  // `gone`: called when the camera ends by itself.
  async start(gone) {
    if (!navigator.mediaDevices) throw new Error('browsers give cameras to https pages and to this machine\'s own only');
    this.#stream = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 640}, height: {ideal: 480}, facingMode: 'user'}, audio: false});
    for (const track of this.#stream.getTracks()) track.addEventListener('ended', gone);
    this.#video.srcObject = this.#stream;
    await this.#video.play();
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  // A Blob; empty where there is no picture yet.
  picture() {
    const {videoWidth: width, videoHeight: height} = this.#video;
    if (!width) return Promise.resolve(new Blob());
    const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#canvas.getContext('2d').drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    return new Promise(done => this.#canvas.toBlob(blob => done(blob ?? new Blob()), 'image/jpeg', QUALITY));
  }
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// Beside the page, on the thread of the sound: hands it over in chunks of one size, each with the time of its last sample.
registerProcessor('sound-chunks', class extends AudioWorkletProcessor {
  constructor(options) {
    super();
    this.chunk = new Float32Array(options.processorOptions.chunk);
    this.filled = 0;
  }

  process([[samples]]) {
    for (const value of samples ?? []) {
      this.chunk[this.filled++] = value;
      if (this.filled === this.chunk.length) {
        this.port.postMessage({samples: this.chunk.slice(), at: currentTime});
        this.filled = 0;
      }
    }
    return true;
  }
});

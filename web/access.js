// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests to the server. Where it wants its token (at first, when the cookie is over, after it was started again) a person is asked for it, once,
// and what was asked of the server is asked again.
let question = null;
let open = null;

// `ask`: asks the person, and resolves when the server has taken the token.
export function onTokenWanted(ask) {
  question = ask;
}

// As fetch(), but that it never answers 401.
export async function ask(address, options) {
  for (;;) {
    const answer = await fetch(address, options);
    if (answer.status !== 401) return answer;
    open ??= question().finally(() => { open = null; });
    await open;
  }
}

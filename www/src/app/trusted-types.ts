/**
 * Trusted Types are enforced by the page's policy: no text may become HTML or a script. What remains are the addresses of
 * workers, which must be of this origin. Lit brings a policy of its own for its templates, which are constants.
 */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): unknown;
}

(globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy('default', {
  createScriptURL(url) {
    if (new URL(url, location.href).origin !== location.origin)
      throw new TypeError(`a script of another origin: ${url}`);
    return url;
  },
});

export {};

// The keys of a sealed site, by WebCrypto. src/seal.rs describes the form and seals by it.

const text = new TextEncoder();

/** @param {string} base64 @returns {Uint8Array<ArrayBuffer>} */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** @param {Uint8Array} bytes */
export function base64Of(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

/** What all keys are made from. Slow on purpose. @param {string} passphrase @param {string} salt in base64 @param {number} iterations @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function masterOf(passphrase, salt, iterations) {
  const secret = await crypto.subtle.importKey("raw", text.encode(passphrase.normalize("NFKC")), "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt: bytesOf(salt), iterations }, secret, 256));
}

/** Opens the files of a site. @typedef {{open: (path: string, sealed: string) => Promise<Uint8Array<ArrayBuffer> | null>, placeOf: (path: string) => Promise<string>}} Keys */

/** @param {BufferSource} master @returns {Promise<Keys>} */
export async function keysOf(master) {
  const { subtle } = crypto;
  const from = await subtle.importKey("raw", master, "HKDF", false, ["deriveKey"]);
  /** @param {string} name @param {AesDerivedKeyParams | HmacImportParams} algorithm @param {KeyUsage} usage */
  const key = (name, algorithm, usage) => {
    const info = text.encode(`peerpress seal 1 ${name}`);
    return subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info }, from, algorithm, false, [usage]);
  };
  const content = await key("content", { name: "AES-GCM", length: 256 }, "decrypt");
  const names = await key("names", { name: "HMAC", hash: "SHA-256", length: 256 }, "sign");
  return {
    /** The bytes of the file at a path; null if they were sealed under another passphrase or path, or were changed. */
    async open(path, sealed) {
      try {
        const bytes = bytesOf(sealed);
        const algorithm = { name: "AES-GCM", iv: bytes.subarray(0, 12), additionalData: text.encode(path) };
        const packed = await subtle.decrypt(algorithm, content, bytes.subarray(12));
        const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
        return new Uint8Array(await new Response(plain).arrayBuffer());
      } catch {
        return null;
      }
    },
    /** Where the script with a file's sealed bytes lies, below the root. */
    async placeOf(path) {
      const digest = new Uint8Array(await subtle.sign("HMAC", names, text.encode(path))).subarray(0, 16);
      const name = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return `sealed/${name.slice(0, 2)}/${name.slice(2)}.js`;
    },
  };
}

// The few lines of tar that the software adapter's archive needs: plain files in ustar headers.

const BLOCK = 512;

/**
 * The regular files of a tar archive, by name (a leading `./` dropped). Folders and links are skipped.
 *
 * @param {Uint8Array} archive uncompressed
 * @returns {Map<string, Uint8Array>} views into `archive`
 * @throws {Error} when the archive is cut short or a size field is not octal
 */
export function untar(archive) {
  const files = new Map();
  let position = 0;
  while (position + BLOCK <= archive.length && archive[position] !== 0) {
    const name = text(archive, position, 100);
    const digits = text(archive, position + 124, 12).trim();
    if (!/^[0-7]+$/.test(digits)) throw new Error(`tar: the size of ${name} is not an octal number: '${digits}'`);
    const size = Number.parseInt(digits, 8);
    const kind = text(archive, position + 156, 1);
    const start = position + BLOCK;
    if (start + size > archive.length) throw new Error(`tar: the archive ends inside ${name}`);
    if (kind === '' || kind === '0') files.set(name.replace(/^\.\//, ''), archive.subarray(start, start + size));
    position = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/** @param {Uint8Array} bytes @param {number} start @param {number} length @returns {string} */
function text(bytes, start, length) {
  const field = bytes.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** QEMU's refusals: a class for programs, words for people (qapi/error.json). */

export type QmpErrorClass =
  'GenericError' | 'CommandNotFound' | 'DeviceNotActive' | 'DeviceNotFound' | 'KVMMissingCap';

/** A command is refused; nothing has changed. */
export class QmpError extends Error {
  readonly errorClass: QmpErrorClass;

  constructor(errorClass: QmpErrorClass, words: string) {
    super(words);
    this.errorClass = errorClass;
  }
}

/** `GenericError`. */
export const refused = (words: string): QmpError => new QmpError('GenericError', words);

/** The other end of a lane: answers the newest question, and looks between two pieces whether there is a newer one. */
import { answers } from '../answer.js';
import type { Answer, Question, Reply } from '../protocol.js';

/** Pieces that are not drawn are not sent; they only give way to a newer question. */
function isShown(answer: Answer): boolean {
  return answer.kind !== 'progress' || answer.labels.length > 0;
}

export function serve(): void {
  let newest = 0;
  const breath = new MessageChannel();
  let goOn: () => void = () => {};
  breath.port1.onmessage = () => goOn();
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      goOn = resolve;
      breath.port2.postMessage(null);
    });
  const send = (reply: Reply): void => globalThis.postMessage(reply);
  const run = async ({ id, ask }: Question): Promise<void> => {
    for (const answer of answers(ask)) {
      if (id !== newest) return;
      if (isShown(answer)) send({ id, answer });
      await pause();
    }
  };
  globalThis.onmessage = ({ data }: MessageEvent<Question>) => {
    newest = data.id;
    void run(data);
  };
}

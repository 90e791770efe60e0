/** The part of dbus-native that frames and unframes messages, which the package ships without types. */
declare module 'dbus-native/lib/message.js' {
  import type { Duplex } from 'node:stream';
  import type { Message } from 'dbus-native';

  const message: {
    /** The bytes of a message. @throws when a value does not fit its signature */
    marshall(message: Message): Buffer;
    /** Calls `onMessage` for every message that arrives, and `onError` once when the framing is lost. */
    unmarshalMessages(
      stream: Duplex,
      onMessage: (message: Message) => void,
      options: Readonly<Record<string, unknown>>,
      onError: (error: Error) => void,
      onHandlerError: (error: unknown) => void,
    ): void;
  };
  export default message;
}

/**
 * Telling the service manager how far the daemon is (sd_notify(3)). Without NOTIFY_SOCKET nobody asked, and nothing is
 * sent. A failed notification is told to the caller and stops nothing: the daemon is as ready as it is.
 */
export interface ServiceManager {
  /** @returns whether somebody was told */
  ready(): boolean;
  stopping(): boolean;
  /** One line for `systemctl status`. */
  status(text: string): boolean;
}

/**
 * @param socketPath the value of NOTIFY_SOCKET, or undefined
 * @param send the host's datagram: see drivers/linux/service-notify.ts
 * @param failed gets what `send` throws, for the log
 */
export function serviceManager(
  socketPath: string | undefined,
  send: (socketPath: string, state: string) => boolean,
  failed: (error: unknown) => void,
): ServiceManager {
  const tell = (state: string): boolean => {
    if (socketPath === undefined || socketPath === '') return false;
    try {
      return send(socketPath, state);
    } catch (error) {
      failed(error);
      return false;
    }
  };
  return {
    ready: () => tell('READY=1'),
    stopping: () => tell('STOPPING=1'),
    // A line break would begin another assignment.
    status: (text) => tell(`STATUS=${text.replace(/[\r\n]+/g, ' ')}`),
  };
}

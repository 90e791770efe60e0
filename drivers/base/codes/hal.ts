/** ERR_HAL_*: the device or the host could not be reached. */
export const HAL_CODES = {
  ERR_HAL_NOT_FOUND: {
    cause: 'The device or socket is not there.',
    cure: 'Plug the device in, or start the service that owns the socket; the configuration (`tpm.tcti`) says what is looked for.',
  },
  ERR_HAL_PERMISSION: {
    cause: 'The device is there, but this process may not open it.',
    cure: 'Do what the message says is missing. The udev rules of the product and what each is for: docs/operations.',
  },
  ERR_HAL_DISCONNECTED: {
    cause: 'The device went away while it was being used.',
    cure: 'Plug it in again and repeat the command; nothing was changed by the interrupted one.',
  },
  ERR_HAL_CLOSED: {
    cause: 'The connection was closed by this program while an operation was waiting.',
    cure: 'Open it again.',
  },
  ERR_HAL_IO: {
    cause: 'The operating system reported an input or output error of the device.',
    cure: 'Check the cable and the system log; the original error is kept as the cause.',
  },
  ERR_HAL_TIMEOUT: {
    cause: 'The device did not answer in time.',
    cure: 'Unplug and plug the device again; if it happens again, see the traffic with the log level `trace`.',
  },
  ERR_HAL_MODULE_MISSING: {
    cause: 'A native module or a system library that this feature needs is not installed.',
    cure: 'Install what the message names.',
  },
  ERR_HAL_BUS_ADDRESS: {
    cause: 'The address of the D-Bus message bus is not one of a UNIX socket.',
    cure: 'Correct the setting `session.bus`; usual is `unix:path=/run/dbus/system_bus_socket`.',
  },
  ERR_HAL_ANSWER_INVALID: {
    cause: 'A service of the host answered with something else than its interface says.',
    cure: 'Look whether the service that the message names is the one of the system, and of a known version.',
  },
  ERR_HAL_MOCK_SCRIPT: {
    cause: 'The script that a simulated machine was to play is not one.',
    cure: 'Correct the line that the message names, or empty the setting that names the file, `simulation.surroundings` or `simulation.presence`: then nothing is simulated.',
  },
  ERR_HAL_MOCK_STATE: {
    cause: 'The file with the state of a virtual device is damaged or was written by another version.',
    cure: 'Move the file away; the virtual device starts as a new one.',
  },
} as const;

/** Holds the name of the process that the supervisor shall start, when {@link START_SIGNAL} arrives. */
export const START_REQUEST_FILE = 'start-request';
/** Tells the supervisor to look at the request. */
export const START_SIGNAL = 'SIGUSR2';

/* notify.h -- tells the service manager how far we are: sd_notify(3) without its library. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Silent where nobody asked for it (NOTIFY_SOCKET). Lines as in sd_notify(3), with a newline between them. */
void	 notify_send(const char *lines);
void	 notify_ready(const char *status);
void	 notify_reloading(void);	/* with the time, as Type=notify-reload wants */

/* How often WATCHDOG=1 is wanted, in milliseconds; 0: not at all. */
uint64_t notify_watchdog_ms(void);

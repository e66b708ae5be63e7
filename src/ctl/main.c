/* main.c -- rookeryctl: looks into a server, and tells it what to do. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/log.h"
#include "ctl/command.h"
#include "ctl/ctl.h"

static int
run(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	struct buffer why;
	int status;

	buffer_init(&why);
	arena_init(&ctl.arena);
	if (arguments_parse(argc, argv, &ctl.arguments, &why)) {
		status = ctl.arguments.command->run(&ctl);
	} else {
		buffer_append_byte(&why, '\0');
		status = ctl_fail(EX_USAGE, "%s", buffer_slice(&why).data);
		fputs("`rookeryctl help` lists the commands.\n", stderr);
	}
	ctl_close(&ctl);
	buffer_clear(&why);
	return status;
}

int
main(int argc, char **argv)
{
	int status;

	/* For the width of characters alone; everything else stays as scripts expect it. */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		setlocale(LC_CTYPE, "");
	log_set_process("rookeryctl");
	log_set_level(LOG_WARN);
	signal(SIGPIPE, SIG_IGN);
	status = run(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout))
		return status != 0 ? status : EX_IOERR;
	return status;
}

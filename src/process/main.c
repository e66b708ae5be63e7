/* main.c -- rookeryd: reads its arguments and becomes the master. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/result.h"
#include "process/compatible.h"
#include "process/daemon.h"
#include "process/descriptors.h"
#include "process/guardian.h"
#include "process/estate.h"
#include "process/image.h"
#include "process/listeners.h"
#include "process/logs.h"
#include "process/master.h"

#define DEFAULT_FILE	 ROOKERY_SYSCONFDIR "/rookery/rookery.conf"
#define CHILD_SILENCE_MS 30000

enum {
	OPTION_CHECK = 256, OPTION_FRESH, OPTION_GUARDED, OPTION_ESTATE, OPTION_LAYOUT, OPTION_TEST_CLOCK
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "foreground", no_argument, NULL, 'F' },
	{ "daemon", no_argument, NULL, 'D' },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "fresh", no_argument, NULL, OPTION_FRESH },
	/* Not for people: a guardian starts a successor of a master that this signal ended. */
	{ "guarded", required_argument, NULL, OPTION_GUARDED },
	/* A master asks another binary what it is, and executes it in its own place. */
	{ "layout", no_argument, NULL, OPTION_LAYOUT },
	{ "estate", required_argument, NULL, OPTION_ESTATE },
	{ "test-clock", no_argument, NULL, OPTION_TEST_CLOCK },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void
write_usage(FILE *out)
{
	fprintf(out,
	    "usage: rookeryd [-D | -F] [-c FILE] [--fresh] [--test-clock]\n"
	    "       rookeryd --check [-c FILE]\n"
	    "       rookeryd --help | --version\n"
	    "\n"
	    "  -c, --config FILE  the configuration (%s)\n"
	    "  -D, --daemon       into the background; returns when connections are accepted\n"
	    "  -F, --foreground   stays in the foreground (the default)\n"
	    "      --check        names every mistake of the configuration, and ends\n"
	    "      --fresh        keeps no session of the server before\n"
	    "      --test-clock   for tests: lets \"rookeryctl clock\" move the server's time\n"
	    "  -h, --help         this text\n"
	    "  -V, --version      the version\n",
	    DEFAULT_FILE);
}

static void
take_estate(int fd, struct arguments *arguments)
{
	static struct estate estate;

	if (!estate_read(fd, &estate)) {
		fprintf(stderr, "rookeryd: nothing to be understood was handed over\n");
		exit(EX_SOFTWARE);
	}
	arguments->estate = &estate;
}

static void
describe(const struct config *config)
{
	struct buffer text;

	buffer_init(&text);
	compatible_describe(config, &text);
	printf(SLICE_FMT, SLICE_ARG(buffer_slice(&text)));
	buffer_clear(&text);
}

/* Mistakes are for standard error, that all is well for standard output. */
static int
check(const char *file, bool describes)
{
	struct image_options wanted = { .path = file };
	struct image image;
	int rc = image_read(&image, &wanted, CHILD_SILENCE_MS);
	struct slice lines = buffer_slice(&image.lines);
	int status = EX_OK;

	if (rc != RESULT_OK || !describes)
		fprintf(stderr, SLICE_FMT, SLICE_ARG(lines));
	if (rc == RESULT_INVALID) {
		status = EX_CONFIG;
	} else if (rc != RESULT_OK) {
		fprintf(stderr, "rookeryd: the check failed: %s\n", result_text(rc));
		status = EX_OSERR;
	} else if (describes) {
		describe(image.config);
	} else {
		printf("%s: no mistakes, %u warning%s\n", file, image.warnings,
		    image.warnings == 1 ? "" : "s");
	}
	image_clear(&image);
	return status;
}

static int
run(struct arguments *arguments, int guarded)
{
	if (guarded != 0) {
		arguments->is_daemon = true;
		guardian_resume(guarded);
		logs_use(LOGS_SYSLOG);	/* until the configuration says otherwise */
	} else if (arguments->is_daemon && arguments->estate == NULL) {
		daemon_start();
		guardian_start(arguments);
	}
	return master_run(arguments);
}

int
main(int argc, char **argv)
{
	struct arguments arguments = { .file = DEFAULT_FILE };
	bool only_checks = false, only_describes = false;
	int guarded = 0, estate_fd = -1;
	char *absolute;
	int option, status;

	while ((option = getopt_long(argc, argv, "c:DFhV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments.file = optarg;
			break;
		case 'D':
			arguments.is_daemon = true;
			break;
		case 'F':
			arguments.is_daemon = false;
			break;
		case OPTION_CHECK:
			only_checks = true;
			break;
		case OPTION_FRESH:
			arguments.is_fresh = true;
			break;
		case OPTION_ESTATE:
			estate_fd = atoi(optarg);
			break;
		case OPTION_LAYOUT:
			only_describes = true;
			break;
		case OPTION_GUARDED:
			guarded = atoi(optarg);
			break;
		case OPTION_TEST_CLOCK:
			arguments.test_clock = true;
			break;
		case 'h':
			write_usage(stdout);
			return EX_OK;
		case 'V':
			printf("rookeryd %s\n", VERSION);
			return EX_OK;
		default:
			write_usage(stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		write_usage(stderr);
		return EX_USAGE;
	}
	if (estate_fd >= 0)
		take_estate(estate_fd, &arguments);
	else
		descriptors_begin(guarded != 0 ? 1 : listeners_handed());
	/* Who was handed over a server must not fail for a file before it can go back. */
	absolute = estate_fd >= 0 ? strdup(arguments.file) : realpath(arguments.file, NULL);
	if (absolute == NULL) {
		fprintf(stderr, "%s: cannot be opened: %s\n", arguments.file, strerror(errno));
		return EX_CONFIG;
	}
	arguments.file = absolute;
	if (only_checks || only_describes)
		status = check(absolute, only_describes);
	else
		status = run(&arguments, guarded);
	free(absolute);
	return status;
}

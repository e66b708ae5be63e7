/* command_text.c -- the rows of commands as usage, help and a section of the manual. */
#include <string.h>

#include "ctl/command.h"

#define LINE_WIDTH 78
#define NAME_WIDTH 18	/* of commands, in the usage */

static const struct {
	unsigned option;
	const char *text; /* as it is written */
	const char *mdoc;
} options[] = {
	{ COMMAND_JSON, "[--json]", " Oo Fl -json Oc" },
	{ COMMAND_COUNT, "[--count N]", " Oo Fl -count Ar N Oc" },
	{ COMMAND_SAMPLE, "[--sample]", " Oo Fl -sample Oc" },
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

static void
write_synopsis(const struct command *command, FILE *out)
{
	fprintf(out, "%s", command->name);
	for (size_t i = 0; i < OPTIONS; i++)
		if ((command->options & options[i].option) != 0)
			fprintf(out, " %s", options[i].text);
	if (command->operand != NULL)
		fprintf(out, " %s", command->operand);
}

/* Words in lines of LINE_WIDTH. */
static void
write_folded(const char *text, FILE *out)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t length = strcspn(text, " ");

		if (column > 0 && column + 1 + length > LINE_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		fprintf(out, "%s%.*s", column > 0 ? " " : "", (int)length, text);
		column += (column > 0 ? 1 : 0) + length;
		text += length + strspn(text + length, " ");
	}
	fputc('\n', out);
}

void
command_write_usage(FILE *out)
{
	size_t count;
	const struct command *all = command_all(&count);

	fputs("usage: rookeryctl [-c FILE] [--json] COMMAND [ARGUMENT]\n\n", out);
	for (size_t i = 0; i < count; i++) {
		char name[40];

		snprintf(name, sizeof(name), "%s%s%s", all[i].name,
			 all[i].operand != NULL ? " " : "",
			 all[i].operand != NULL ? all[i].operand : "");
		if (strlen(name) > NAME_WIDTH) {	/* it has a line of its own */
			fprintf(out, "  %s\n", name);
			name[0] = '\0';
		}
		fprintf(out, "  %-*s %s\n", NAME_WIDTH, name, all[i].about);
	}
	fputs("\n-c names the configuration. Unless given it is\n" ROOKERY_SYSCONFDIR
	      "/rookery/rookery.conf.\n"
	      "`rookeryctl help COMMAND` tells more, rookeryctl(8) everything.\n",
	      out);
}

void
command_write_help(const struct command *command, FILE *out)
{
	fputs("usage: rookeryctl [-c FILE] ", out);
	write_synopsis(command, out);
	fputs("\n\n", out);
	write_folded(command->about, out);
	if (command->details != NULL) {
		fputc('\n', out);
		write_folded(command->details, out);
	}
}

/* Each sentence on a line, as mdoc wants it. */
static void
write_sentences(const char *text, FILE *out)
{
	while (*text != '\0') {
		const char *end = strstr(text, ". ");
		size_t length = end != NULL ? (size_t)(end - text) + 1 : strlen(text);

		for (size_t i = 0; i < length; i++) {
			if (strncmp(text + i, "--", 2) == 0) {
				fputs("\\-\\-", out);
				i++;
			} else {
				fputc(text[i], out);
			}
		}
		fputc('\n', out);
		text += length + (end != NULL ? 1 : 0);
	}
}

static void
write_operand(const char *operand, FILE *out)
{
	if (operand[0] == '[')
		fprintf(out, " Op Ar %.*s", (int)strlen(operand) - 2, operand + 1);
	else
		fprintf(out, " Ar %s", operand);
}

void
command_write_manual(FILE *out)
{
	size_t count;
	const struct command *all = command_all(&count);

	for (size_t i = 0; i < count; i++) {
		fprintf(out, ".It Cm %s", all[i].name);
		for (size_t j = 0; j < OPTIONS; j++)
			if ((all[i].options & options[j].option) != 0)
				fputs(options[j].mdoc, out);
		if (all[i].operand != NULL)
			write_operand(all[i].operand, out);
		fputc('\n', out);
		write_sentences(all[i].about, out);
		if (all[i].details != NULL)
			write_sentences(all[i].details, out);
	}
}

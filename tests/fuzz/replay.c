/* replay.c -- gives a fuzz target the files of its corpus, one after another. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat status;
	uint8_t *data;
	size_t size;

	if (file == NULL || fstat(fileno(file), &status) != 0) {
		perror(path);
		return 0;
	}
	/* Exactly as large, so that a sanitizer sees the first byte read past the end. */
	size = (size_t)status.st_size;
	data = malloc(size == 0 ? 1 : size);
	if (data == NULL || fread(data, 1, size, file) != size) {
		perror(path);
		size = 0;
	} else {
		fprintf(stderr, "%s\n", path);
		LLVMFuzzerTestOneInput(data, size);
	}
	free(data);
	fclose(file);
	return size > 0;
}

static int
replay_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	char name[PATH_MAX + NAME_MAX + 2];
	int count = 0;

	if (folder == NULL) {
		perror(path);
		return 0;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		count += replay_file(name);
	}
	closedir(folder);
	return count;
}

/* Without arguments the corpus is the folder that has the name of the program. */
int
main(int argc, char **argv)
{
	const char *root = getenv("top_srcdir"), *name = strrchr(argv[0], '/');
	char path[PATH_MAX];
	int count = 0;

	for (int i = 1; i < argc; i++)
		count += replay_file(argv[i]);
	if (argc == 1) {
		snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s",
		    root == NULL ? "." : root, name == NULL ? argv[0] : name + 1);
		count = replay_folder(path);
	}
	printf("%d files\n", count);
	return count == 0;
}

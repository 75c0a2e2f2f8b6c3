/* Feeds files to a fuzz target without libFuzzer: replays a finding under any compiler or debugger. */
#include <stdio.h>

#include "fuzz.h"

#define MAX_INPUT (1 << 20)

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(MAX_INPUT);
    if (file == NULL || data == NULL) {
        perror(path);
        exit(1);
    }
    size_t size = fread(data, 1, MAX_INPUT, file);
    fclose(file);
    /* The exact size, so that a sanitizer sees every byte read behind the end. */
    uint8_t *exact = realloc(data, size > 0 ? size : 1);
    int result = LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return result;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%d inputs replayed\n", argc - 1);
    return 0;
}

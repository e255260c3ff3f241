/* Loads a `model.bitplan` as a runtime does: maps it and switches every layer to its bits.
 *
 *     cc -std=c99 -O2 main.c -o switch && ./switch model.bitplan [BITS]
 *
 * Layers get the bits of the plan, or BITS where their masters have as many. A line for each layer: name, bits, FNV-1a hash
 * of its codes, and of its weights as floats; then the time of the switch alone.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bitplan.h"

static uint64_t hash_more(uint64_t hash, const void *data, size_t bytes) {
    const unsigned char *byte = (const unsigned char *)data;
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

int main(int count, char **words) {
    if (count < 2 || count > 3) return fail("usage", "switch model.bitplan [BITS]");
    int uniform = count == 3 ? atoi(words[2]) : 0;
    if (count == 3 && (uniform < 2 || uniform > 8)) return fail(words[2], "expected 2 to 8 bits");
    int descriptor = open(words[1], O_RDONLY);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status) != 0 || status.st_size == 0)
        return fail(words[1], "cannot be read, or is empty");
    size_t bytes = (size_t)status.st_size;
    void *file = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (file == MAP_FAILED) return fail(words[1], "cannot be mapped");
    const char *wrong = bitplan_check(file, bytes);
    if (wrong != NULL) return fail(words[1], wrong);

    double switching = 0;
    uint64_t switched = 0;
    for (uint32_t i = 0; i < ((const bitplan_header *)file)->tensors; i++) {
        const bitplan_tensor *tensor = bitplan_table(file) + i;
        if (tensor->kind != BITPLAN_CODES) continue;
        int bits = uniform == 0 ? tensor->plan_bits : uniform < tensor->master_bits ? uniform : tensor->master_bits;
        int8_t *codes = malloc(tensor->elements + 1);
        if (codes == NULL) return fail(words[1], "not enough memory");
        double start = seconds();
        bitplan_switch(file, tensor, bits, codes);
        switching += seconds() - start;
        switched += tensor->elements;
        uint64_t hash = hash_more(0xcbf29ce484222325u, codes, tensor->elements), values = 0xcbf29ce484222325u;
        for (uint64_t k = 0; k < tensor->elements; k++) {
            float value = codes[k] * bitplan_scale(file, tensor, bits, k);
            values = hash_more(values, &value, sizeof value);
        }
        printf("%s\t%d\t%016llx\t%016llx\n", bitplan_name(file, tensor), bits, (unsigned long long)hash,
               (unsigned long long)values);
        free(codes);
    }
    fprintf(stderr, "%llu codes in %.6f s, the first touch of the file included\n", (unsigned long long)switched,
            switching);
    return munmap(file, bytes) != 0 || close(descriptor) != 0;
}

/* Layout of `model.bitplan`, version 1, and the integer switch. C99, no dependencies, little-endian machines.
 *
 * A file is a header, a table of tensors, names, a description in JSON, and the elements of the tensors at multiples of 64
 * bytes. It is made to be mapped: check it once with bitplan_check, then use the structures where they lie.
 *
 * Weights of a layer are codes of `master_bits`, one byte each. At `bits <= master_bits` they are
 *
 *     code(i)  = clip(round(master(i) / 2^shift))        shift = master_bits - bits
 *     value(i) = code(i) * scale(i / group) * 2^shift
 */
#ifndef BITPLAN_H
#define BITPLAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    char magic[8];                /* "BITPLAN", and a zero */
    uint32_t version;             /* 1 */
    uint32_t tensors;             /* entries of the table */
    uint64_t file_bytes;
    uint64_t table_at;            /* bitplan_tensor[tensors]; all places are offsets in the file */
    uint64_t description_at;      /* JSON: plan, network, candidates, mean and deviation of the inputs */
    uint64_t description_bytes;
    uint32_t activation_rounding; /* bitplan_rounding of the inputs of layers */
    uint8_t zeros[12];
} bitplan_header;

typedef struct {
    uint64_t name_at;             /* UTF-8, a zero behind it */
    uint32_t name_bytes;          /* without the zero */
    uint8_t kind;                 /* bitplan_kind */
    uint8_t master_bits;          /* 2 to 8; this and what follows is 0 for floats, up to the shape */
    uint8_t plan_bits;            /* the plan's choice for this layer, 2 to master_bits */
    uint8_t rounding;             /* bitplan_rounding of the switch */
    uint8_t activation_bits;      /* of the layer's input; 0: the input is not quantised */
    uint8_t activation_unsigned;  /* 1: codes 0 to 2^b - 1, 0: two's complement */
    uint16_t axes;                /* 0 to 8 */
    float activation_scale;       /* x = clip(round(x / scale)) * scale */
    uint64_t extents[8];          /* of the axes, output channels first, row-major; 0 behind the last */
    uint64_t elements_at;         /* int8_t[elements] or float[elements], at a multiple of 64 */
    uint64_t elements;
    uint64_t scales_at;           /* float[scales], at a multiple of 64 */
    uint64_t scales;              /* elements / group */
    uint64_t group;               /* consecutive weights that share a scale */
} bitplan_tensor;

typedef char bitplan_sizes_are_right[sizeof(bitplan_header) == 64 && sizeof(bitplan_tensor) == 128 ? 1 : -1];

typedef enum { BITPLAN_FLOATS = 0, BITPLAN_CODES = 1 } bitplan_kind;

typedef enum {
    BITPLAN_HALF_EVEN = 0, /* nearest, ties to the even integer */
    BITPLAN_HALF_AWAY = 1, /* nearest, ties away from zero */
    BITPLAN_HALF_UP = 2,   /* nearest, ties towards +infinity: (q + 2^(shift - 1)) >> shift */
    BITPLAN_FLOOR = 3      /* a bare arithmetic shift */
} bitplan_rounding;

static inline const void *bitplan_at(const void *file, uint64_t place) {
    return (const unsigned char *)file + place;
}

static inline const bitplan_tensor *bitplan_table(const void *file) {
    return (const bitplan_tensor *)bitplan_at(file, ((const bitplan_header *)file)->table_at);
}

static inline const char *bitplan_name(const void *file, const bitplan_tensor *tensor) {
    return (const char *)bitplan_at(file, tensor->name_at);
}

/* Whether count things of a size lie at a place inside the file. */
static inline int bitplan_inside(uint64_t file_bytes, uint64_t at, uint64_t count, uint64_t size) {
    return at <= file_bytes && count <= (file_bytes - at) / size;
}

/* NULL if every place of the file is inside it, else what is wrong. `file` must be aligned as mapped memory is. */
static inline const char *bitplan_check(const void *file, size_t bytes) {
    const bitplan_header *header = (const bitplan_header *)file;
    if (bytes < sizeof(bitplan_header) || memcmp(header->magic, "BITPLAN", 8) != 0) return "not a bitplan file";
    if (header->version != 1) return "another version, or a big-endian machine";
    if (header->file_bytes != bytes) return "the file is cut off";
    if (header->table_at % 8 != 0 || !bitplan_inside(bytes, header->table_at, header->tensors, sizeof(bitplan_tensor)))
        return "the table is behind the end";
    if (!bitplan_inside(bytes, header->description_at, header->description_bytes, 1))
        return "the description is behind the end";
    for (uint32_t i = 0; i < header->tensors; i++) {
        const bitplan_tensor *t = bitplan_table(file) + i;
        int coded = t->kind == BITPLAN_CODES;
        if (t->kind > BITPLAN_CODES || t->axes > 8) return "an unknown kind of tensor";
        if (!bitplan_inside(bytes, t->name_at, (uint64_t)t->name_bytes + 1, 1)) return "a name is behind the end";
        if (bitplan_name(file, t)[t->name_bytes] != 0) return "a name without an end";
        if (t->elements_at % 64 != 0 || !bitplan_inside(bytes, t->elements_at, t->elements, coded ? 1 : 4))
            return "elements are behind the end";
        if (!coded) continue;
        if (t->scales_at % 64 != 0 || !bitplan_inside(bytes, t->scales_at, t->scales, 4))
            return "scales are behind the end";
        if (t->master_bits < 2 || t->master_bits > 8 || t->plan_bits < 2 || t->plan_bits > t->master_bits)
            return "impossible bits";
        if (t->rounding > BITPLAN_FLOOR || t->group == 0 || t->elements % t->group != 0 ||
            t->elements / t->group != t->scales)
            return "an impossible rounding or group";
    }
    return NULL;
}

/* master / 2^shift, rounded; 1 <= shift <= 6. The master is made unsigned, so that no shift depends on the compiler. */
static inline int bitplan_shift(int8_t master, int shift, bitplan_rounding rounding) {
    unsigned biased = (unsigned)(master + 128);
    unsigned rest = biased & ((1u << shift) - 1), below_half = (1u << (shift - 1)) - 1;
    int floor = (int)(biased >> shift) - (128 >> shift);
    switch (rounding) {
    case BITPLAN_HALF_EVEN: return floor + (int)((rest + below_half + ((biased >> shift) & 1)) >> shift);
    case BITPLAN_HALF_AWAY: return floor + (int)((rest + below_half + (biased >> 7)) >> shift);
    case BITPLAN_HALF_UP: return floor + (int)((rest + below_half + 1) >> shift);
    default: return floor;
    }
}

static inline void bitplan_switch_all(const int8_t *master, uint64_t count, int shift, int bits,
                                      bitplan_rounding rounding, int8_t *codes) {
    int low = -(1 << (bits - 1)), high = (1 << (bits - 1)) - 1;
    for (uint64_t i = 0; i < count; i++) {
        int code = shift == 0 ? master[i] : bitplan_shift(master[i], shift, rounding);
        codes[i] = (int8_t)(code < low ? low : code > high ? high : code);
    }
}

/* The codes of a layer at 2 <= bits <= master_bits, one byte each: `codes` has room for tensor->elements. */
static inline void bitplan_switch(const void *file, const bitplan_tensor *tensor, int bits, int8_t *codes) {
    const int8_t *master = (const int8_t *)bitplan_at(file, tensor->elements_at);
    int shift = tensor->master_bits - bits;
    /* Each call has its mode as a constant: the compiler makes a vector loop of each. */
    switch (tensor->rounding) {
    case BITPLAN_HALF_EVEN: bitplan_switch_all(master, tensor->elements, shift, bits, BITPLAN_HALF_EVEN, codes); break;
    case BITPLAN_HALF_AWAY: bitplan_switch_all(master, tensor->elements, shift, bits, BITPLAN_HALF_AWAY, codes); break;
    case BITPLAN_HALF_UP: bitplan_switch_all(master, tensor->elements, shift, bits, BITPLAN_HALF_UP, codes); break;
    default: bitplan_switch_all(master, tensor->elements, shift, bits, BITPLAN_FLOOR, codes); break;
    }
}

/* The scale of weight i at `bits`. */
static inline float bitplan_scale(const void *file, const bitplan_tensor *tensor, int bits, uint64_t i) {
    const float *scales = (const float *)bitplan_at(file, tensor->scales_at);
    return scales[i / tensor->group] * (float)(1 << (tensor->master_bits - bits));
}

#endif

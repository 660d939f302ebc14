/** One file of a public data set, at its official address. */
export interface SetFile {
  readonly url: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Of what is inside a gzip file: copies that were packed anew are as good. */
  readonly contentSha256?: string;
}

/** A public data set. */
export interface PublicSet {
  /** One line for lists. */
  readonly summary: string;
  readonly files: readonly SetFile[];
  /** Where its makers describe it. */
  readonly home: string;
  /** Terms in its makers' words, or what is known of them. */
  readonly licence: string;
  /** `unpack`: the files are tar archives. `flowers`: a tar archive and MATLAB files of labels. */
  readonly layout: "files" | "unpack" | "flowers";
  /** Names of classes that the files themselves give as numbers. */
  readonly classes?: readonly string[];
}

const mnistUrl = "https://storage.googleapis.com/cvdf-datasets/mnist";
const fashionUrl = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com";
const flowersUrl = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102";

/**
 * The public sets that `data get` knows. Addresses are the makers' own, except MNIST's, whose maker's
 * server stopped giving it out; this one is the mirror that the common libraries use.
 */
export const publicSets = {
  mnist: {
    summary: "70,000 handwritten digits, 28x28 grey",
    home: "http://yann.lecun.com/exdb/mnist/",
    licence: "CC BY-SA 3.0 (as commonly stated)",
    layout: "files",
    files: [
      {
        url: `${mnistUrl}/train-images-idx3-ubyte.gz`,
        sizeBytes: 9_912_422,
        sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        contentSha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
      },
      {
        url: `${mnistUrl}/train-labels-idx1-ubyte.gz`,
        sizeBytes: 28_881,
        sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
      },
      {
        url: `${mnistUrl}/t10k-images-idx3-ubyte.gz`,
        sizeBytes: 1_648_877,
        sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
      },
      {
        url: `${mnistUrl}/t10k-labels-idx1-ubyte.gz`,
        sizeBytes: 4_542,
        sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
      },
    ],
  },
  "fashion-mnist": {
    summary: "70,000 pieces of clothing, 28x28 grey",
    home: "https://github.com/zalandoresearch/fashion-mnist",
    licence: "MIT",
    layout: "files",
    classes: [
      "T-shirt/top",
      "Trouser",
      "Pullover",
      "Dress",
      "Coat",
      "Sandal",
      "Shirt",
      "Sneaker",
      "Bag",
      "Ankle boot",
    ],
    files: [
      {
        url: `${fashionUrl}/train-images-idx3-ubyte.gz`,
        sizeBytes: 26_421_880,
        sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
      },
      {
        url: `${fashionUrl}/train-labels-idx1-ubyte.gz`,
        sizeBytes: 29_515,
        sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
      },
      {
        url: `${fashionUrl}/t10k-images-idx3-ubyte.gz`,
        sizeBytes: 4_422_102,
        sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
      },
      {
        url: `${fashionUrl}/t10k-labels-idx1-ubyte.gz`,
        sizeBytes: 5_148,
        sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
      },
    ],
  },
  "cifar-10": {
    summary: "60,000 photos of 10 kinds of things, 32x32 colour",
    home: "https://www.cs.toronto.edu/~kriz/cifar.html",
    licence: "none stated; cite Krizhevsky 2009",
    layout: "unpack",
    files: [
      {
        url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        sizeBytes: 170_052_171,
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
      },
    ],
  },
  "cifar-100": {
    summary: "60,000 photos of 100 kinds of things, 32x32 colour",
    home: "https://www.cs.toronto.edu/~kriz/cifar.html",
    licence: "none stated; cite Krizhevsky 2009",
    layout: "unpack",
    files: [
      {
        url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        sizeBytes: 168_513_733,
        sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
      },
    ],
  },
  flowers: {
    summary: "8,189 photos of 102 kinds of flowers, about 500x600 colour",
    home: "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
    licence: "none stated; cite Nilsback and Zisserman 2008",
    layout: "flowers",
    files: [
      {
        url: `${flowersUrl}/102flowers.tgz`,
        sizeBytes: 344_862_509,
        sha256: "2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246",
      },
      {
        url: `${flowersUrl}/imagelabels.mat`,
        sizeBytes: 502,
        sha256: "4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d",
      },
      {
        url: `${flowersUrl}/setid.mat`,
        sizeBytes: 14_989,
        sha256: "46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd",
      },
    ],
  },
} as const satisfies Readonly<Record<string, PublicSet>>;

module.exports = { algolia: { apiKey: 'q8Rz7Yw2Kc5Nf1LxT0vB3mHs' } };

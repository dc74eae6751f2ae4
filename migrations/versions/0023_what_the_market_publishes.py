"""What the market publishes, with its source

Revision: 0023
Follows: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

_SOURCE = {
    'published_for': '2018 Q2',
    'source': '江西省保险行业协会',
    'source_en': 'Jiangxi Insurance Association',
    'is_shown': True,
    'version': 1,
}
_SCOPES = [
    ('全体会员公司，全部车险案件', 'all members, all motor claims'),
    ('全体会员公司，5000元以下案件', 'all members, claims up to ¥5,000'),
    ('大公司最好水平（约数）', 'best large insurers, about'),
    ('永安保险，全部车险案件', "Yong'an, all motor claims"),
    ('永安保险，5000元以下案件', "Yong'an, claims up to ¥5,000"),
]
_VALUES = {
    'rolling_closing_rate': [9307, 9637, 9500, 9301, 9471],
    'closing_cycle': [2926, 1314, 2100, 3202, 1690],
}


def upgrade() -> None:
    """The lines the desk begins with; who keeps settings corrects them and adds to them."""
    table = op.create_table(
        'market_figures',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('measure', sa.String(length=64), nullable=False),
        sa.Column('scope', sa.String(length=200), nullable=False),
        sa.Column('scope_en', sa.String(length=200), nullable=False),
        sa.Column('value_cents', sa.Integer(), nullable=False),
        sa.Column('published_for', sa.String(length=64), nullable=False),
        sa.Column('source', sa.String(length=200), nullable=False),
        sa.Column('source_en', sa.String(length=200), nullable=False),
        sa.Column('ordinal', sa.Integer(), nullable=False),
        sa.Column('is_shown', sa.Boolean(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.CheckConstraint('value_cents >= 0', name=op.f('ck_market_figures_value')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_market_figures')),
    )
    op.create_index(op.f('ix_market_figures_measure_ordinal'), 'market_figures', ['measure', 'ordinal'], unique=False)
    op.bulk_insert(
        table,
        [
            {
                **_SOURCE,
                'measure': measure,
                'scope': scope,
                'scope_en': scope_en,
                'value_cents': cents,
                'ordinal': ordinal,
            }
            for measure, values in _VALUES.items()
            for ordinal, ((scope, scope_en), cents) in enumerate(zip(_SCOPES, values, strict=True), start=1)
        ],
    )


def downgrade() -> None:
    """The lines go with their table."""
    op.drop_table('market_figures')
